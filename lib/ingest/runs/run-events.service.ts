import { Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { listed } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { WaitReason } from '../../model/event.js';
import { purposeOf } from '../../model/run.js';
import type { Run } from './run.js';

/** What events of a run have come to, of those that are not done. */
export interface Unfinished {
  /** Their passes are still to be, or will be again soon by themselves. */
  readonly underWay: number;
  /** They wait for something that the run does not wait for, by what that is. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly dead: number;
}

/** The run goes on until these have passed. */
const PASSING: readonly WaitReason[] = [
  'budget',
  'daily-limit',
  'rate-limited',
  'provider-unavailable',
  'conflict',
  'parent',
  'missing-confirm',
];

/** Answers what has become of the events that a run has made. */
@Injectable()
export class RunEventsService {
  constructor(private readonly database: SyncDatabase) {}

  async unfinished({ kind, source, connectionId, startedAt }: Run): Promise<Unfinished> {
    const { tables } = this.database;
    const params: unknown[] = [source, connectionId, purposeOf(kind)];
    const isOfKind = 'source = $1 AND connection_id = $2 AND origin = $3';
    const waiting = await this.database.query<{ wait_reason: string | null; count: unknown }>(
      `SELECT wait_reason, COUNT(*) AS count FROM ${tables.event}
       WHERE state = 'waiting' AND ${isOfKind} GROUP BY wait_reason`,
      params,
    );
    const since = `settled_at >= ${listed(params, [startedAt])}`;
    const [dead] = await this.database.query<{ count: unknown }>(
      `SELECT COUNT(*) AS count FROM ${tables.event} WHERE state = 'dead' AND ${isOfKind} AND ${since}`,
      params,
    );
    const isPassing = (reason: string | null) =>
      reason === null || (PASSING as readonly string[]).includes(reason);
    const left = waiting.map(({ wait_reason: reason, count }) => ({ reason, count: numberIn(count) }));
    return {
      underWay: left.filter(({ reason }) => isPassing(reason)).reduce((sum, { count }) => sum + count, 0),
      waiting: Object.fromEntries(
        left.flatMap(({ reason, count }) => (isPassing(reason) ? [] : [[reason, count]])),
      ) as Record<string, number>,
      dead: numberIn(dead!.count),
    };
  }
}
