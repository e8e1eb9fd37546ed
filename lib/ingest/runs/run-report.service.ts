import { Injectable } from '@nestjs/common';
import type { RunReport, RunResource } from '../../model/run.js';
import { SyncClock } from '../../sync.clock.js';
import { FindingReportService } from './finding-report.service.js';
import { RunEventsService } from './run-events.service.js';
import { shareOf } from './run.progress.js';
import { RunService } from './run.service.js';
import type { Run } from './run.js';

/** Stripe is from 2011; a provider's oldest records are mostly younger. */
const EARLIEST = Date.UTC(2011, 0, 1);

/** Tells how far a run has come. */
@Injectable()
export class RunReportService {
  constructor(
    private readonly runs: RunService,
    private readonly events: RunEventsService,
    private readonly findings: FindingReportService,
    private readonly clock: SyncClock,
  ) {}

  /** @throws RangeError if there is no such run */
  async report(id: string): Promise<RunReport> {
    const run = await this.runs.get(id);
    const { kind, source, connectionId, state, startedAt, finishedAt, progress } = run;
    const now = finishedAt?.getTime() ?? this.clock.now();
    const read = Object.values(progress).reduce((sum, resource) => sum + resource.read, 0);
    const elapsedMs = Math.max(now - startedAt.getTime(), 1);
    const share = shareOf(progress, EARLIEST, startedAt.getTime());
    return {
      id,
      kind,
      source,
      connectionId,
      state,
      startedAt,
      finishedAt,
      resources: Object.fromEntries(
        Object.entries(progress).map(([name, resource]) => [name, shown(resource)]),
      ),
      findings: await this.findings.summary(id),
      perSecond: (read * 1_000) / elapsedMs,
      leftMs: finishedAt || share === null ? null : Math.round((elapsedMs * (1 - share)) / share),
      notDone: await this.notDone(run),
    };
  }

  private async notDone(run: Run): Promise<string[]> {
    const { waiting, dead, underWay } = await this.events.unfinished(run);
    const resources = Object.entries(run.progress).flatMap(([resource, { state, error }]) => {
      if (state === 'completed') return [];
      if (state === 'failed') return [`${resource}: failed, ${error ?? 'for no known reason'}`];
      if (state === 'halted') return [`${resource}: ${error ?? 'halted'}`];
      return run.state === 'running' ? [] : [`${resource}: not listed to its end`];
    });
    const events = Object.entries(waiting).map(([reason, count]) => `${count} record(s) wait: ${reason}`);
    const died = dead > 0 ? [`${dead} record(s) died: SyncService.replay() runs them again`] : [];
    const left = underWay > 0 && run.finishedAt ? [`${underWay} record(s) are still to be handled`] : [];
    return [...resources, ...died, ...events, ...left];
  }
}

function shown({ state, read, changed, error }: RunResource): RunResource {
  return { state, read, changed, error };
}
