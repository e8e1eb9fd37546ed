import { Injectable } from '@nestjs/common';
import { flagIn, numberIn, timeIn } from '../../database/row-values.js';
import { whole } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { Finding, FindingCause, FindingKind, ResourceFindings } from '../../model/run.js';

/** Tells what a reconciliation has found. */
@Injectable()
export class FindingReportService {
  constructor(private readonly database: SyncDatabase) {}

  /** By resource. */
  async summary(runId: string): Promise<Record<string, ResourceFindings>> {
    const rows = await this.database.query<SummaryRow>(
      `SELECT resource, kind, cause, COUNT(*) AS count, SUM(CASE WHEN repaired THEN 1 ELSE 0 END) AS repaired, MIN(since) AS since
       FROM ${this.database.tables.finding} WHERE run_id = $1 AND state = 'confirmed' GROUP BY resource, kind, cause`,
      [runId],
    );
    const summary: Record<string, Mutable> = {};
    for (const { resource, kind, cause, count, repaired, since } of rows) {
      const its = (summary[resource] ??= nothingFound());
      its[kind] += numberIn(count);
      its.repaired += numberIn(repaired);
      its.causes[cause] = (its.causes[cause] ?? 0) + numberIn(count);
      const first = timeIn(since);
      if (first && (!its.since || first < its.since)) its.since = first;
    }
    return summary;
  }

  /** All findings of a run, a page at a time. */
  async list(runId: string, limit: number, offset: number): Promise<Finding[]> {
    const rows = await this.database.query<FindingRow>(
      `SELECT resource, record_id, kind, cause, since, repaired FROM ${this.database.tables.finding}
       WHERE run_id = $1 AND state = 'confirmed' ORDER BY resource, record_id LIMIT ${whole(limit)} OFFSET ${whole(offset)}`,
      [runId],
    );
    return rows.map(({ resource, record_id: recordId, kind, cause, since, repaired }) => {
      return { resource, recordId, kind, cause, since: timeIn(since), repaired: flagIn(repaired) };
    });
  }
}

interface Mutable {
  missing: number;
  stale: number;
  gone: number;
  local: number;
  repaired: number;
  causes: Partial<Record<FindingCause, number>>;
  since: Date | null;
}

function nothingFound(): Mutable {
  return { missing: 0, stale: 0, gone: 0, local: 0, repaired: 0, causes: {}, since: null };
}

interface SummaryRow {
  readonly resource: string;
  readonly kind: FindingKind;
  readonly cause: FindingCause;
  readonly count: unknown;
  readonly repaired: unknown;
  readonly since: unknown;
}

interface FindingRow {
  readonly resource: string;
  readonly record_id: string;
  readonly kind: FindingKind;
  readonly cause: FindingCause;
  readonly since: unknown;
  readonly repaired: unknown;
}
