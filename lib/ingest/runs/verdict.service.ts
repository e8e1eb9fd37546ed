import { Injectable } from '@nestjs/common';
import { numberIn, timeIn } from '../../database/row-values.js';
import { whole } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { FindingCause, FindingKind } from '../../model/run.js';
import { READ } from './finding.service.js';
import { FIRST_KEY } from './record-ranges.js';
import type { Run } from './run.js';

/** Decides which of a run's candidates are findings, and why they were not known. */
@Injectable()
export class VerdictService {
  constructor(private readonly database: SyncDatabase) {}

  /**
   * Decides on the candidates: what their own read has changed is a finding, and so is every event of a log that was not
   * there. What has come by itself meanwhile is none. Some at a time.
   * @param inFlightSince events from then on count as being on their way
   */
  async *decide(run: Run, inFlightSince: Date): AsyncGenerator<void> {
    for (let after = FIRST_KEY; ;) {
      const candidates = await this.candidates(run, after);
      if (candidates.length === 0) return;
      after = candidates.at(-1)!.record_key;
      yield;
      // In this order: what is settled between the two is in one of them.
      const events = await this.unsettled(candidates, run, inFlightSince);
      const records = await this.records(candidates);
      for (const row of candidates) {
        const key = row.record_key.toString('hex');
        const its = events.get(key) ?? NO_EVENTS;
        const record = records.get(key);
        const inFlight = its.inFlight || isSince(record, inFlightSince);
        await this.write(run, { ...row, ...record }, { ...its, inFlight });
      }
    }
  }

  private candidates(run: Run, after: Buffer): Promise<FindingRow[]> {
    return this.database.query<FindingRow>(
      `SELECT record_key, kind, version FROM ${this.database.tables.finding}
       WHERE run_id = $1 AND record_key > $2 AND state IN ('candidate', '${READ}')
       ORDER BY record_key LIMIT ${whole(BATCH)}`,
      [run.id, after],
    );
  }

  /** By record key in hex. */
  private async records(candidates: readonly FindingRow[]): Promise<Map<string, RecordRow>> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const keys = candidates.map(({ record_key: key }) => key);
    const rows = await this.database.query<RecordRow & { record_key: Buffer }>(
      `SELECT record_key, version AS now_version, delivered_at, ignored_at,
         CASE WHEN EXISTS (
           SELECT 1 FROM ${tables.mark} AS mark
           WHERE mark.record_key = record.record_key AND mark.event_id = 0 AND mark.state = 'dead'
         ) THEN 1 ELSE 0 END AS given_up
       FROM ${tables.record} AS record WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
      params,
    );
    return new Map(rows.map((row) => [row.record_key.toString('hex'), row]));
  }

  private async write(run: Run, row: CandidateRow, its: EventsOfRecord): Promise<void> {
    const confirmed = hasDiffered(run, row) && (ofLog(run) || !its.inFlight);
    const isGivenUp = row.kind === 'local' && numberIn(row.given_up) === 1;
    const isOpen = its.unfinished || isGivenUp;
    await this.database.query(
      `UPDATE ${this.database.tables.finding} SET state = $3, cause = $4, repaired = $5
       WHERE run_id = $1 AND record_key = $2`,
      [
        run.id,
        row.record_key,
        confirmed ? 'confirmed' : 'refuted',
        causeOf(row, its.dead || isGivenUp),
        confirmed && !run.request.dryRun && !isOpen && !(ofLog(run) && its.dead),
      ],
    );
  }

  /** What waits and what is dead, by record key in hex. What is settled has left its times in the record's row. */
  private async unsettled(
    candidates: readonly FindingRow[],
    run: Run,
    inFlightSince: Date,
  ): Promise<Map<string, EventsOfRecord>> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [inFlightSince, run.startedAt];
    const keys = candidates.map(({ record_key: key }) => key);
    const sent = `origin IN ('webhook', 'poll')`;
    const rows = await this.database.query<EventsRow>(
      `SELECT record_key,
         MAX(CASE WHEN ${sent} AND received_at >= $1 THEN 1 ELSE 0 END) AS in_flight,
         MAX(CASE WHEN ${sent} AND state = 'dead' THEN 1 ELSE 0 END) AS dead,
         MAX(CASE WHEN received_at >= $2 THEN 1 ELSE 0 END) AS unfinished
       FROM ${tables.event}
       WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)} AND state IN ('waiting', 'dead') GROUP BY record_key`,
      params,
    );
    return new Map(
      rows.map((row) => [
        row.record_key.toString('hex'),
        {
          inFlight: numberIn(row.in_flight) === 1,
          dead: numberIn(row.dead) === 1,
          unfinished: numberIn(row.unfinished) === 1,
        },
      ]),
    );
  }
}

const BATCH = 500;

function ofLog({ kind }: Run): boolean {
  return kind === 'reconcile-log';
}

/** Shown by the candidate's own read, where that is what shows it. */
function hasDiffered(run: Run, { kind, version, now_version: now }: CandidateRow): boolean {
  return ofLog(run) || run.request.dryRun || kind === 'local' || numberIn(now ?? 0) > numberIn(version);
}

interface EventsOfRecord {
  readonly inFlight: boolean;
  readonly dead: boolean;
  readonly unfinished: boolean;
}

const NO_EVENTS: EventsOfRecord = { inFlight: false, dead: false, unfinished: false };

/** The provider has told of it by itself since then. */
function isSince(record: RecordRow | undefined, since: Date): boolean {
  const at = timeIn(record?.delivered_at);
  return at !== null && at >= since;
}

function causeOf({ kind, ignored_at: ignoredAt = null }: CandidateRow, dead: boolean): FindingCause {
  if (kind === 'local') return dead ? 'delivered-but-dead' : 'changed-locally';
  if (kind === 'gone') return 'deleted-unseen';
  if (dead) return 'delivered-but-dead';
  return ignoredAt === null ? 'never-delivered' : 'type-ignored';
}

interface FindingRow {
  readonly record_key: Buffer;
  readonly kind: FindingKind;
  readonly version: unknown;
}

interface RecordRow {
  readonly now_version: unknown;
  readonly delivered_at: unknown;
  readonly ignored_at: unknown;
  /** A change handler has given up on the record. */
  readonly given_up: unknown;
}

/** Of what is not known, the record's part is missing. */
type CandidateRow = FindingRow & Partial<RecordRow>;

interface EventsRow {
  readonly record_key: Buffer;
  readonly in_flight: unknown;
  readonly dead: unknown;
  readonly unfinished: unknown;
}
