import type { QueryRunner } from 'typeorm';
import { rowsOf } from './rows.js';
import type { Statement } from './statement.js';

/** A statement for a driver that numbers no places: a value stands as often in the list as its place in the text. */
export function positional({ sql, params }: Statement): [sql: string, params: unknown[]] {
  const values: unknown[] = [];
  const text = sql.replace(/\$(\d+)/g, (_, place: string) => {
    const value = params[Number(place) - 1];
    values.push(value instanceof Date ? value.getTime() : value);
    return '?';
  });
  return [text, values];
}

/** The rows of one statement, for such a driver. */
export function rowsByPosition<Row>(
  runner: QueryRunner,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  return rowsOf(runner, ...positional({ sql, params }));
}
