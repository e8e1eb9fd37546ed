import type { QueryRunner } from 'typeorm';

/** What the `pg` driver gives out, as far as it is used here. */
export interface PgClient {
  query(text: string): Promise<{ rowCount: number | null; rows: Record<string, unknown>[] }[]>;
  connection?: { stream?: { destroy(): void } };
}

/**
 * Cuts a connection instead of giving it back: its server ends whatever was open on it, and nobody who still holds
 * it can do anything more.
 */
export async function destroyConnection(runner: QueryRunner, error: Error): Promise<void> {
  // Without a connection there is nothing to cut.
  const client = (await runner.connect().catch(() => undefined)) as PgClient | undefined;
  client?.connection?.stream?.destroy();
  const pooled = runner as QueryRunner & { releasePostgresConnection?(error: Error): Promise<void> };
  await (pooled.releasePostgresConnection ? pooled.releasePostgresConnection(error) : runner.release());
}

/** The SQLSTATE of a database error, or the code of a network error; undefined for anything else. */
export function errorCodeOf(error: unknown): string | undefined {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: unknown }; code?: unknown };
  const found = driverError?.code ?? code;
  return typeof found === 'string' ? found : undefined;
}

/** The database refuses these values, and will again. Classes 22 (data), 23 (constraint), 54 (limits). */
export function isDataError(error: unknown): boolean {
  return /^(22|23|54)[0-9A-Z]{3}$/.test(errorCodeOf(error) ?? '');
}

/** Lost to another transaction: the same again may well succeed. */
export function isDeadlock(error: unknown): boolean {
  return /^40[0-9A-Z]{3}$/.test(errorCodeOf(error) ?? '');
}

/** Lost to another transaction or to the network: nobody's fault, and worth another try. */
export function isConflict(error: unknown): boolean {
  const code = errorCodeOf(error) ?? '';
  return /^(40|08)[0-9A-Z]{3}$|^57P0[1-5]$|^55P03$|^53300$|^E(CONN|PIPE|TIMEDOUT)/.test(code);
}
