import { Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { listed, whole } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { FindingCause, FindingKind } from '../../model/run.js';
import { READ } from './finding.service.js';
import type { Run } from './run.service.js';

/** Decides which of a run's candidates are findings, and why they were not known. */
@Injectable()
export class VerdictService {
  constructor(private readonly database: SyncDatabase) {}

  /**
   * Decides on the candidates: what their own read has changed is a finding, and so is every event of a log that was not
   * there. What has come by itself meanwhile is none.
   * @param since events from then on count as being on their way
   */
  async decide(run: Run, inFlightSince: Date): Promise<void> {
    const { tables } = this.database;
    const open = await this.database.query<CandidateRow>(
      `SELECT finding.record_key, finding.kind, finding.version, record.version AS now_version, record.deleted_at,
         CASE WHEN EXISTS (
           SELECT 1 FROM ${tables.mark} AS mark
           WHERE mark.record_key = finding.record_key AND mark.event_id = 0 AND mark.state = 'dead'
         ) THEN 1 ELSE 0 END AS given_up
       FROM ${tables.finding} AS finding LEFT JOIN ${tables.record} AS record ON record.record_key = finding.record_key
       WHERE finding.run_id = $1 AND finding.state IN ('candidate', '${READ}') ORDER BY finding.record_key LIMIT ${whole(BATCH)}`,
      [run.id],
    );
    if (open.length === 0) return;
    const events = await this.eventsOf(open, run, inFlightSince);
    for (const row of open) {
      const its = events.get(row.record_key.toString('hex')) ?? NO_EVENTS;
      const confirmed = hasDiffered(run, row) && (ofLog(run) || !its.inFlight);
      const isGivenUp = row.kind === 'local' && numberIn(row.given_up) === 1;
      const isOpen = its.unfinished || isGivenUp;
      await this.database.query(
        `UPDATE ${tables.finding} SET state = $3, cause = $4, repaired = $5 WHERE run_id = $1 AND record_key = $2`,
        [
          run.id,
          row.record_key,
          confirmed ? 'confirmed' : 'refuted',
          causeOf(row.kind, { ...its, dead: its.dead || isGivenUp }),
          confirmed && !run.request.dryRun && !isOpen && !(ofLog(run) && its.dead),
        ],
      );
    }
    return this.decide(run, inFlightSince);
  }

  private async eventsOf(
    candidates: readonly CandidateRow[],
    run: Run,
    inFlightSince: Date,
  ): Promise<Map<string, EventsOfRecord>> {
    const params: unknown[] = [];
    const keys = listed(
      params,
      candidates.map(({ record_key: key }) => key),
    );
    const sent = `origin IN ('webhook', 'poll')`;
    const recent = `received_at >= ${listed(params, [inFlightSince])}`;
    const started = listed(params, [run.startedAt]);
    const rows = await this.database.query<EventsRow>(
      `SELECT record_key,
         MAX(CASE WHEN ${sent} AND ${recent} THEN 1 ELSE 0 END) AS in_flight,
         MAX(CASE WHEN ${sent} AND state = 'dead' THEN 1 ELSE 0 END) AS dead,
         MAX(CASE WHEN ${sent} AND reason = 'no-handler' THEN 1 ELSE 0 END) AS ignored,
         MAX(CASE WHEN state IN ('waiting', 'dead') AND received_at >= ${started} THEN 1 ELSE 0 END) AS unfinished
       FROM ${this.database.tables.event} WHERE record_key IN (${keys}) GROUP BY record_key`,
      params,
    );
    return new Map(
      rows.map((row) => [
        row.record_key.toString('hex'),
        {
          inFlight: numberIn(row.in_flight) === 1,
          dead: numberIn(row.dead) === 1,
          ignored: numberIn(row.ignored) === 1,
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
  readonly ignored: boolean;
  readonly unfinished: boolean;
}

const NO_EVENTS: EventsOfRecord = { inFlight: false, dead: false, ignored: false, unfinished: false };

function causeOf(kind: FindingKind, { dead, ignored }: EventsOfRecord): FindingCause {
  if (kind === 'local') return dead ? 'delivered-but-dead' : 'changed-locally';
  if (kind === 'gone') return 'deleted-unseen';
  if (dead) return 'delivered-but-dead';
  return ignored ? 'type-ignored' : 'never-delivered';
}

interface CandidateRow {
  readonly record_key: Buffer;
  readonly kind: FindingKind;
  readonly version: unknown;
  readonly now_version: unknown;
  /** A change handler has given up on the record. */
  readonly given_up: unknown;
}

interface EventsRow {
  readonly record_key: Buffer;
  readonly in_flight: unknown;
  readonly dead: unknown;
  readonly ignored: unknown;
  readonly unfinished: unknown;
}
