import { whole, type Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';

/** A connection that events wait of. */
export interface Lane {
  readonly source: string;
  readonly connection_id: string;
}

/** A connection that events wait of for one and the same thing. */
export interface HeldLane extends Lane {
  readonly wait_reason: string;
}

/** Which of a lane's waiting events are looked at, and how many at most: no statement is to grow with the backlog. */
export interface LaneLook {
  readonly columns: string;
  /** SQL about them, besides what says which lane it is. */
  readonly where: string;
  /** In which an index has them. */
  readonly order: string;
  readonly most: number;
  /** SQL: which of those that were looked at are meant. @default all */
  readonly only?: string;
}

/** Lanes that one statement looks into. */
const AT_ONCE = 50;

/** Connections that events wait of, each once, at a cost that does not grow with what waits. */
export function waitingLanes(database: SyncDatabase): Promise<Lane[]> {
  const { dialect, tables } = database;
  return database.query(dialect.distinct(tables.event, ['source', 'connection_id'], `state = 'waiting'`));
}

/** The same of what waits for something. */
export function heldLanes(database: SyncDatabase): Promise<HeldLane[]> {
  const { dialect, tables } = database;
  const columns = ['source', 'connection_id', 'wait_reason'];
  return database.query(
    dialect.distinct(tables.event, columns, `state = 'waiting' AND wait_reason IS NOT NULL`),
  );
}

/** As many as one statement looks into. */
export function inGroups<T>(lanes: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < lanes.length; at += AT_ONCE) groups.push(lanes.slice(at, at + AT_ONCE));
  return groups;
}

/** Selects those waiting events of each lane. */
export function eachLane(
  { tables }: SyncDatabase,
  lanes: readonly (Lane | HeldLane)[],
  { columns, where, order, most, only = '1 = 1' }: LaneLook,
): Statement {
  const params: unknown[] = [];
  const selects = lanes.map((lane) => {
    const isOfLane = Object.entries({ ...lane }).map(
      ([column, value]) => `${column} = $${params.push(value)}`,
    );
    return `SELECT * FROM (
        SELECT ${columns} FROM ${tables.event}
        WHERE state = 'waiting' AND ${isOfLane.join(' AND ')} AND ${where}
        ORDER BY ${order} LIMIT ${whole(most)}) AS lane${params.length} WHERE ${only}`;
  });
  return { sql: selects.join(' UNION ALL '), params };
}
