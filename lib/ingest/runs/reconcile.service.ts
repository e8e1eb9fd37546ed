import { Injectable, Logger } from '@nestjs/common';
import { Dispatcher, dueRecordsOf } from '../../dispatch/dispatcher.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { InboxService } from '../../inbox/inbox.service.js';
import { aBoolean, oneOf } from '../../model/option-kinds.js';
import type { ConnectionKey } from '../../model/record.js';
import { Telemetry } from '../../observe/telemetry.js';
import { SyncClock } from '../../sync.clock.js';
import type { ReconcileDepth } from '../../sync.source.options.js';
import { FindingReportService } from './finding-report.service.js';
import { FindingService, type Candidate } from './finding.service.js';
import { ListingTargets, type ListingTarget } from './listing.targets.js';
import { RunPhases } from './run.phases.js';
import { ConfirmationService } from './confirmation.service.js';
import { LogReconcileService } from './log-reconcile.service.js';
import { PageReconcileService } from './page-reconcile.service.js';
import { newProgress, withCompared, type Progress } from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';
import { VerdictService } from './verdict.service.js';

const MORE_KINDS = { depth: oneOf('full', 'log'), dryRun: aBoolean, believeDeletions: aBoolean };

/** What to compare. */
export interface ReconcileOptions extends ListingTarget {
  /**
   * With what to compare: `'full'` with listings, which finds everything and costs a call for every hundred records;
   * `'log'` with the provider's log of changes since the last good run of that depth, which costs a call for every hundred
   * changes and finds events that have not come, whatever they are about. Where the log does not reach back so far, the
   * run is a full one.
   * @default 'full'
   */
  depth?: ReconcileDepth;
  /** Report, and change nothing. @default false */
  dryRun?: boolean;
  /**
   * For a run that was `halted`: someone has seen to it that so many records are really gone. Each is still read by itself
   * before it counts as deleted.
   * @default false
   */
  believeDeletions?: boolean;
}

/** So many records of a resource may be gone at once, or a tenth of them if that is more: else it is not believed. */
const FREE_DELETIONS = 20;
const SHARE = 0.1;

/** What has come so recently is on its way, and no finding. */
const GRACE_MS = 300_000;

/** Compares what the provider has with what is known, finds out what was lost and why, and has it put right. */
@Injectable()
export class ReconcileService {
  private readonly logger = new Logger('Sync');

  constructor(
    private readonly runs: RunService,
    private readonly targets: ListingTargets,
    private readonly phases: RunPhases,
    private readonly pages: PageReconcileService,
    private readonly findings: FindingService,
    private readonly confirmations: ConfirmationService,
    private readonly logs: LogReconcileService,
    private readonly verdicts: VerdictService,
    private readonly reports: FindingReportService,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly dispatcher: Dispatcher,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
  ) {}

  /** @returns the run's id @throws RangeError for what cannot be meant; no run is begun then */
  async begin(options: ReconcileOptions): Promise<string> {
    const {
      depth = 'full',
      dryRun = false,
      believeDeletions = false,
      ...target
    } = this.targets.checked('reconcile', options, MORE_KINDS);
    if (depth === 'log') {
      const { connection, resources } = this.targets.log('reconcile', target);
      const window = await this.logs.window(connection, resources);
      if (window) return this.runs.create('reconcile-log', connection, window, { dryRun, resources });
    }
    const { connection, resources } = this.targets.listing('reconcile', target);
    const progress = newProgress(resources, { from: null, to: null, now: this.clock.now() });
    const request = { dryRun, believeDeletions, resources: target.resources };
    return this.runs.create('reconcile', connection, progress, request);
  }

  /**
   * Begins a run for a connection by itself, unless one has begun since, or nothing of it can be listed.
   * @returns whether one was begun
   */
  async beginOnce(
    connection: ConnectionKey,
    sinceAgoMs: number,
    { depth = 'full', resources }: { depth?: ReconcileDepth; resources?: readonly string[] } = {},
  ): Promise<boolean> {
    const window = depth === 'log' ? await this.logs.window(connection, resources) : null;
    if (window)
      return isBegun(this.runs.createOnce('reconcile-log', connection, sinceAgoMs, window, { resources }));
    const listed = this.targets.listable(connection.source, resources);
    if (listed.length === 0) return false;
    const progress = newProgress(listed, { from: null, to: null, now: this.clock.now() });
    return isBegun(this.runs.createOnce('reconcile', connection, sinceAgoMs, progress, { resources }));
  }

  /** Goes on with a run for as long as something can be done. @throws RunLostError */
  async work(run: HeldRun): Promise<void> {
    const isOfLog = run.kind === 'reconcile-log';
    const read = await (isOfLog
      ? this.phases.read(run, this.logs.reader(run))
      : this.phases.list(run, (page) => this.pages.take(run, page)));
    if (!read) return;
    const progress = await this.findGone(run, read);
    if (run.request.dryRun && !isOfLog) {
      const waitMs = await this.confirmations.confirm(run, progress);
      if (waitMs !== null) return this.runs.putOff(run, waitMs);
    }
    const dead = await this.phases.settle(run);
    if (dead === null) return;
    await this.inSteps(run, this.verdicts.decide(run, new Date(run.startedAt.getTime() - GRACE_MS)));
    await this.inSteps(run, this.findings.tidyUp(run));
    const states = Object.values(progress).map(({ state }) => state);
    const failed = states.includes('failed') || dead > 0;
    await this.runs.finish(run, states.includes('halted') ? 'halted' : failed ? 'failed' : 'completed');
    await this.tell(run);
  }

  /** What was known and is not listed: of resources that were listed to their end, and if there are not too many. */
  private async findGone(run: HeldRun, progress: Progress): Promise<Progress> {
    let after = progress;
    for (const [resource, { state, compared }] of Object.entries(progress)) {
      if (state !== 'completed' || compared) continue;
      let [known, unlisted] = [0, 0];
      await this.inSteps(run, this.findings.countUnlisted(run, resource), (count) => {
        known += count.known;
        unlisted += count.unlisted;
      });
      const tooMany = !run.request.believeDeletions && unlisted > Math.max(FREE_DELETIONS, known * SHARE);
      const halted = tooMany
        ? `${unlisted} of ${known} records are not in the listing, which is more than is believed`
        : null;
      if (halted) this.refuse(run, resource, halted);
      else await this.noteGone(run, after, resource);
      const next = withCompared(after, resource, halted);
      after = await this.runs.save(
        run,
        () => next,
        () => Promise.resolve(),
      );
      await this.inSteps(run, this.findings.forgetListed(run, resource));
    }
    return after;
  }

  private async noteGone(run: HeldRun, progress: Progress, resource: string): Promise<void> {
    await this.inSteps(run, this.findings.unlisted(run, resource), async (gone) => {
      if (gone.length === 0) return;
      let fresh: readonly InboxRow[] = [];
      await this.runs.save(
        run,
        () => progress,
        async (query) => {
          await this.findings.noteCandidates(
            query,
            run.id,
            gone.map((each): Candidate => ({ ...each, kind: 'gone' })),
          );
          const rows = gone.map(({ record }) => this.idempotency.derivedRow(record, 'reconcile', run.id));
          fresh = run.request.dryRun ? [] : await this.inbox.acceptWithin(query, rows);
        },
      );
      this.dispatcher.dispatch(dueRecordsOf(fresh));
    });
  }

  /** What takes long where there are many records, for as long as the run is this process' to work on. @throws RunLostError */
  private async inSteps<Step>(
    run: HeldRun,
    steps: AsyncIterable<Step>,
    take: (step: Step) => Promise<void> | void = () => undefined,
  ): Promise<void> {
    for await (const step of steps) {
      await this.runs.hold(run);
      await take(step);
    }
  }

  private refuse({ source, connectionId }: HeldRun, resource: string, why: string): void {
    const message =
      `${source}/${connectionId} ${resource}: ${why}. Is the API key of the right account, and may it list them? Nothing ` +
      `was done about those that are missing. If they are really gone: SyncService.reconcile({ ..., believeDeletions: true }).`;
    this.telemetry.alarm({ kind: 'delete-cap', source, connectionId, message, eventIds: [] });
  }

  /** One line. */
  private async tell({ id, source, connectionId }: HeldRun): Promise<void> {
    const found = Object.entries(await this.reports.summary(id)).map(
      ([resource, { missing, stale, gone, local, repaired }]) => {
        return `${resource}: ${missing} missing, ${stale} stale, ${gone} gone, ${local} changed locally, ${repaired} repaired`;
      },
    );
    this.logger.log(`${source}/${connectionId} is reconciled: ${found.join('; ') || 'nothing was found'}`);
  }
}

async function isBegun(run: Promise<string | null>): Promise<boolean> {
  return (await run) !== null;
}
