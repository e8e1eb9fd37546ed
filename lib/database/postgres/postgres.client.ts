import { connect } from 'node:net';
import type { QueryRunner } from 'typeorm';
import type { Statement } from '../statement.js';
import { PgMessage } from './postgres.message.js';
import { parameterOf, type PgParameter } from './postgres.parameters.js';
import type { PgConnection, PgResult } from './postgres.protocol.js';
import type { PreparedStatements } from './prepared-statements.js';

/** What the `pg` driver gives out, as far as it is used here. */
export interface PgClient {
  query(message: PgMessage): void;
  query(config: { text: string; values: PgParameter[]; rowMode: 'array'; types: typeof asText }): Promise<{
    command: string;
    rowCount: number | null;
    rows: (string | null)[][];
  }>;
  /** Not of `pg-native`. */
  readonly connection?: PgConnection;
  /** The host has set it: queries of others' making are refused. */
  readonly pipeline?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly processID?: unknown;
  readonly secretKey?: unknown;
}

/** Values as the server sends them. */
const asText = { getTypeParser: () => String };

/**
 * As one message, where the driver has such a thing; else one by one.
 * @returns the result of each
 */
export async function sendAll(
  client: PgClient,
  statements: readonly Statement[],
  prepared: PreparedStatements,
): Promise<PgResult[]> {
  const { connection } = client;
  if (connection && !client.pipeline) {
    try {
      return await new Promise((resolve, reject) =>
        client.query(
          new PgMessage(statements, prepared, (error, results) =>
            error ? reject(error) : resolve(results!),
          ),
        ),
      );
    } catch (error) {
      prepared.doubt(connection);
      throw error;
    }
  }
  const results: PgResult[] = [];
  for (const { sql, params } of statements) {
    const values = params.map(parameterOf);
    const { command, rowCount, rows } = await client.query({
      text: sql,
      values,
      rowMode: 'array',
      types: asText,
    });
    results.push({ command, rowCount: rowCount ?? 0, rows });
  }
  return results;
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
  client?.connection?.stream.destroy();
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
