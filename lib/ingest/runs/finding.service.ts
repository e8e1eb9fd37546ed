import { Injectable } from '@nestjs/common';
import { numberIn, timeIn } from '../../database/row-values.js';
import { listed, whole } from '../../database/statement.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import type { FindingKind } from '../../model/run.js';
import type { RecordKey } from '../../model/record.js';
import { FIRST_KEY, inRecordRange, recordRanges } from './record-ranges.js';
import type { Run } from './run.js';

/** A record that may differ, before its own read has confirmed it. */
export interface Candidate {
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  readonly kind: FindingKind;
  /** The version that is stored. */
  readonly version: number;
  readonly savedAt: Date | null;
}

/** A known record that a complete listing does not have. */
export type Unlisted = Omit<Candidate, 'kind'>;

/** How many records are known, and how many of them were not listed. */
export interface UnlistedCount {
  readonly known: number;
  readonly unlisted: number;
}

/** Of known records, that one statement looks at: where each may be noted, and where they are only counted. */
const RECORDS_A_PAGE = 2_000;
const RECORDS_A_COUNT = 10_000;

/** That one statement deletes. */
const FINDINGS_A_STEP = 1_000;

/** Keeps what a reconciliation has seen and found. */
@Injectable()
export class FindingService {
  constructor(private readonly database: SyncDatabase) {}

  /** Notes that these records were listed. */
  noteListed(
    query: Query,
    runId: string,
    records: readonly { record: RecordKey; recordKey: Buffer }[],
  ): Promise<void> {
    return this.insert(
      query,
      runId,
      records.map(({ record, recordKey }) => [
        recordKey,
        record.resource,
        record.id,
        LISTED,
        LISTED,
        0,
        null,
      ]),
    );
  }

  /** Notes what may differ, in the place of what was noted before. */
  async noteCandidates(query: Query, runId: string, candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return;
    const { tables, dialect } = this.database;
    const params: unknown[] = [runId];
    const keys = candidates.map(({ recordKey }) => recordKey);
    const areTheirs = dialect.isOneOf('record_key', 'digest', keys, params);
    await query(
      `DELETE FROM ${tables.finding} WHERE run_id = $1 AND ${areTheirs} AND state = '${LISTED}'`,
      params,
    );
    await this.insert(
      query,
      runId,
      candidates.map(({ record, recordKey, kind, version, savedAt }) => {
        return [recordKey, record.resource, record.id, kind, 'candidate', version, savedAt];
      }),
    );
  }

  /** Candidates of a dry run that are still to be read by themselves. */
  async unread(run: Run, most: number): Promise<Candidate[]> {
    const rows = await this.database.query<CandidateRow>(
      `SELECT record_key, resource, record_id, kind, version, since FROM ${this.database.tables.finding}
       WHERE run_id = $1 AND state = 'candidate' AND kind <> 'local' ORDER BY record_key LIMIT ${whole(most)}`,
      [run.id],
    );
    const { source, connectionId } = run;
    return rows.map(({ record_key: recordKey, resource, record_id: id, kind, version, since }) => ({
      record: { source, connectionId, resource, id },
      recordKey,
      kind,
      version: numberIn(version),
      savedAt: timeIn(since),
    }));
  }

  /** Notes what a candidate's own read has said. */
  async noteRead(runId: string, recordKey: Buffer, differs: boolean): Promise<void> {
    await this.database.query(
      `UPDATE ${this.database.tables.finding} SET state = $3 WHERE run_id = $1 AND record_key = $2`,
      [runId, recordKey, differs ? READ : 'refuted'],
    );
  }

  /** Records that have not been listed although they were known before, alive: those of a range at a time. */
  async *unlisted(run: Run, resource: string): AsyncGenerator<Unlisted[], void, undefined> {
    const { tables } = this.database;
    const { source, connectionId } = run;
    for await (const range of recordRanges(this.database, RECORDS_A_PAGE)) {
      const params: unknown[] = [run.source, run.connectionId, resource, run.id];
      const rows = await this.database.query<{
        record_key: Buffer;
        record_id: string;
        version: unknown;
        saved_at: unknown;
      }>(
        `SELECT record_key, record_id, version, saved_at FROM ${tables.record} AS record
         WHERE ${inRecordRange(range, params)} AND ${this.known(params, run)}
           AND NOT EXISTS (SELECT 1 FROM ${tables.finding} AS finding
             WHERE finding.run_id = $4 AND finding.record_key = record.record_key)`,
        params,
      );
      const unlisted = rows.map((row) => ({
        record: { source, connectionId, resource, id: row.record_id },
        recordKey: row.record_key,
        version: numberIn(row.version),
        savedAt: timeIn(row.saved_at),
      }));
      yield unlisted;
    }
  }

  /** How many records of a resource were known before the run, alive; and how many of them it has not listed: in each range. */
  async *countUnlisted(run: Run, resource: string): AsyncGenerator<UnlistedCount, void, undefined> {
    const { tables } = this.database;
    for await (const range of recordRanges(this.database, RECORDS_A_COUNT)) {
      const params: unknown[] = [run.source, run.connectionId, resource, run.id];
      const [row] = await this.database.query<{ known: unknown; unlisted: unknown }>(
        `SELECT COUNT(*) AS known, SUM(CASE WHEN finding.run_id IS NULL THEN 1 ELSE 0 END) AS unlisted
         FROM ${tables.record} AS record LEFT JOIN ${tables.finding} AS finding
           ON finding.run_id = $4 AND finding.record_key = record.record_key
         WHERE ${inRecordRange(range, params)} AND ${this.known(params, run)}`,
        params,
      );
      yield { known: numberIn(row!.known), unlisted: numberIn(row!.unlisted ?? 0) };
    }
  }

  /** What was listed as it should be: of no use once it is known what was not. */
  forgetListed(run: Run, resource: string): AsyncGenerator<void> {
    return this.forget(run, (finding) => finding.state === LISTED && finding.resource === resource);
  }

  /** What is not needed after the end. */
  tidyUp(run: Run): AsyncGenerator<void> {
    return this.forget(run, ({ state }) => state === LISTED || state === 'refuted');
  }

  private async *forget(run: Run, isOver: (finding: FindingRow) => boolean): AsyncGenerator<void> {
    const { tables, dialect } = this.database;
    for (let after = FIRST_KEY; ;) {
      const rows = await this.database.query<FindingRow>(
        `SELECT record_key, resource, state FROM ${tables.finding} WHERE run_id = $1 AND record_key > $2
         ORDER BY record_key LIMIT ${whole(FINDINGS_A_STEP)}`,
        [run.id, after],
      );
      if (rows.length === 0) return;
      after = rows.at(-1)!.record_key;
      const keys = rows.filter(isOver).map(({ record_key: key }) => key);
      yield;
      if (keys.length === 0) continue;
      const params: unknown[] = [run.id];
      await this.database.query(
        `DELETE FROM ${tables.finding} WHERE run_id = $1 AND ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
        params,
      );
    }
  }

  private known(params: unknown[], run: Run): string {
    return `record.source = $1 AND record.connection_id = $2 AND record.resource = $3 AND record.deleted_at IS NULL
      AND record.version > 0 AND record.saved_at < ${listed(params, [run.startedAt])}`;
  }

  private async insert(query: Query, runId: string, rows: readonly (readonly unknown[])[]): Promise<void> {
    const { tables, dialect } = this.database;
    if (rows.length === 0) return;
    const params: unknown[] = [];
    const values = rows.map((row) => `(${listed(params, [runId, ...row])})`);
    await query(
      `INSERT INTO ${tables.finding} (run_id, record_key, resource, record_id, kind, state, version, since)
       VALUES ${values.join(', ')} ${dialect.ignoreClash(['run_id', 'record_key'])}`,
      params,
    );
  }
}

interface FindingRow {
  readonly record_key: Buffer;
  readonly resource: string;
  readonly state: string;
}

interface CandidateRow {
  readonly record_key: Buffer;
  readonly resource: string;
  readonly record_id: string;
  readonly kind: FindingKind;
  readonly version: unknown;
  readonly since: unknown;
}

/** Kind and state of a record that was only seen. */
const LISTED = 'listed';

/** State of a dry run's candidate whose own read says the same. */
export const READ = 'read';
