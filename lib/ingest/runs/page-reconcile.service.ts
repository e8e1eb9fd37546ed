import { Injectable } from '@nestjs/common';
import type { Query } from '../../database/sync.database.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { InboxService } from '../../inbox/inbox.service.js';
import { recordKeyOf } from '../../model/keys.js';
import { ComparisonService } from '../listing/comparison.service.js';
import type { ListedPage } from '../listing/listing.reader.js';
import type { StorePage } from '../listing/page-reader.js';
import { TargetComparisonService, type LocalDifference } from '../listing/target-comparison.service.js';
import { candidateOf, localCandidateOf } from './candidates.js';
import { FindingService } from './finding.service.js';
import type { HeldRun } from './run.js';

/** Compares a page of a listing with what is known, and with what handlers have made of it. */
@Injectable()
export class PageReconcileService {
  constructor(
    private readonly comparisons: ComparisonService,
    private readonly targets: TargetComparisonService,
    private readonly findings: FindingService,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
  ) {}

  /** @throws TargetReadError */
  async take(run: HeldRun, page: ListedPage): Promise<StorePage> {
    const local = await this.targets.differences(page.place, page.records);
    return (query) => this.store(run, query, page, local);
  }

  private async store(
    run: HeldRun,
    query: Query,
    { place, records, ticket }: ListedPage,
    found: readonly LocalDifference[],
  ): Promise<InboxRow[]> {
    const seen = records.map(({ id }) => ({
      record: { ...place, id },
      recordKey: recordKeyOf({ ...place, id }),
    }));
    await this.findings.noteListed(query, run.id, seen);
    const comparison = await this.comparisons.compare(query, place, records);
    const { different } = comparison;
    const local = this.targets.stillThere(found, comparison);
    const candidates = [...different.flatMap(candidateOf), ...local.map(localCandidateOf(different))];
    await this.findings.noteCandidates(query, run.id, candidates);
    if (run.request.dryRun) return [];
    const again = await this.targets.showAgain(query, local);
    const rows = different.map((difference) => {
      const { record, kind, listed } = difference;
      // What may be a finding is read by itself; what is only not known yet is known by its listing.
      const body = kind === 'unsure' && listed.data ? { data: listed.data, ticket } : undefined;
      return this.idempotency.derivedRow(record, 'reconcile', run.id, body);
    });
    const shown = again.map(({ record }) => this.idempotency.derivedRow(record, 'reconcile', run.id));
    return this.inbox.acceptWithin(query, [...rows, ...shown.filter((row) => !isIn(rows, row))]);
  }
}

function isIn(rows: readonly InboxRow[], { dedupeKey }: InboxRow): boolean {
  return rows.some((row) => row.dedupeKey.equals(dedupeKey));
}
