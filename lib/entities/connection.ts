import { connect } from 'node:net';
import type { QueryRunner } from 'typeorm';

/** One statement's result; several in a message give several. */
export interface PgResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: Record<string, unknown>[];
}

/** What the `pg` driver gives out, as far as it is used here. */
export interface PgClient {
  query(text: string): Promise<PgResult[]>;
  connection?: { stream?: { destroy(): void } };
  readonly host?: string;
  readonly port?: number;
  readonly processID?: unknown;
  readonly secretKey?: unknown;
}

/**
 * Cuts a connection instead of giving it back: its server ends whatever was open on it, and nobody who still holds
 * it can do anything more.
 */
export async function destroyConnection(runner: QueryRunner, error: Error): Promise<void> {
  // Without a connection there is nothing to cut.
  const client = (await runner.connect().catch(() => undefined)) as PgClient | undefined;
  if (client) cancelStatement(client);
  client?.connection?.stream?.destroy();
  const pooled = runner as QueryRunner & { releasePostgresConnection?(error: Error): Promise<void> };
  await (pooled.releasePostgresConnection ? pooled.releasePostgresConnection(error) : runner.release());
}

/** How long to try to reach the server for it. */
const CANCEL_TIMEOUT_MS = 3_000;

/**
 * Asks the server to give up what it is doing for a connection. Busy with a statement, or waiting for a lock, it does
 * not notice that its client has gone, and keeps all that the transaction has locked.
 */
function cancelStatement({ host, port, processID, secretKey }: PgClient): void {
  if (!host || !port || typeof processID !== 'number' || typeof secretKey !== 'number') return;
  // CancelRequest of PostgreSQL's protocol: its length, its code, and who is meant. The answer is silence.
  const request = Buffer.alloc(16);
  [16, 80_877_102, processID, secretKey].forEach((field, i) => request.writeInt32BE(field, 4 * i));
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.on('error', () => undefined).setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy());
  socket.end(request);
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

/** The database has answered, and the answer is no: nothing was done. Not if it says that its connection ends. */
export function isRefusal(error: unknown): boolean {
  return /^(?!08|57P|40003|E)[0-9A-Z]{5}$/.test(errorCodeOf(error) ?? '');
}
