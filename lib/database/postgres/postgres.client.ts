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
  query(text: string): Promise<PgResult | PgResult[]>;
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
export async function destroyPgConnection(runner: QueryRunner, reason: Error): Promise<void> {
  if (runner.isReleased) return;
  // Without a connection there is nothing to cut.
  const client = (await runner.connect().catch(() => undefined)) as PgClient | undefined;
  if (client) cancelStatement(client);
  client?.connection?.stream?.destroy();
  const pooled = runner as QueryRunner & { releasePostgresConnection?(error: Error): Promise<void> };
  await (pooled.releasePostgresConnection ? pooled.releasePostgresConnection(reason) : runner.release());
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
