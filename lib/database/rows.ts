import type { QueryRunner } from 'typeorm';

/** The rows of one statement, in the driver's own placeholders; none for a statement that gives none. */
export async function rowsOf<Row>(
  runner: QueryRunner,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  const { records } = await runner.query(sql, [...params], true);
  return (records ?? []) as Row[];
}
