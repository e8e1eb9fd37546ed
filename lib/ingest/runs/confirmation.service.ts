import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import { Budget } from '../../hydrate/budget.js';
import { HydrationService, type Hydration } from '../../hydrate/hydration.service.js';
import { ComparisonService } from '../listing/comparison.service.js';
import { FindingService, type Candidate } from './finding.service.js';
import type { Progress } from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** Records that are asked for at once. */
const BATCH = 10;

/** After an answer that never came. */
const RETRY_MS = 2_000;

/** Reads the candidates of a dry run by themselves, and changes nothing but what is found. */
@Injectable()
export class ConfirmationService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly runs: RunService,
    private readonly findings: FindingService,
    private readonly comparisons: ComparisonService,
    private readonly hydration: HydrationService,
    private readonly budget: Budget,
  ) {}

  /** @returns when to go on, in milliseconds; null: each was read @throws RunLostError */
  async confirm(run: HeldRun, progress: Progress): Promise<number | null> {
    for (;;) {
      const candidates = await this.findings.unread(run, BATCH);
      if (candidates.length === 0) return null;
      const grant = await this.budget.take(run, candidates.length, 'reconcile');
      if (grant.granted === 0) return grant.retryInMs;
      const asked = candidates.slice(0, grant.granted);
      const reads = await Promise.all(asked.map(({ record }) => this.hydration.hydrate(record)));
      let waitMs: number | null = null;
      for (const [i, read] of reads.entries()) {
        const differs = await this.differs(asked[i]!, read);
        if (differs !== null) await this.findings.noteRead(run.id, asked[i]!.recordKey, differs);
        else if (read.outcome === 'failed') waitMs = Math.max(waitMs ?? 0, read.pausedMs, RETRY_MS);
      }
      // It is this run's to work on for another while.
      await this.runs.save(
        run,
        () => progress,
        () => Promise.resolve(),
      );
      if (waitMs !== null) return waitMs;
    }
  }

  /** Null: it could not be found out yet. */
  private async differs({ record, kind }: Candidate, read: Hydration): Promise<boolean | null> {
    if (read.outcome === 'missing') return kind === 'gone';
    // What the provider refuses to tell is left at what its listing said.
    if (read.outcome === 'failed') return read.failure === 'rejected' ? true : null;
    if (kind === 'gone') return false;
    const { id, ...place } = record;
    const query = this.database.query.bind(this.database);
    const { different } = await this.comparisons.compare(query, place, [{ id, data: read.data }]);
    return different.some((each) => each.kind !== 'unsure');
  }
}
