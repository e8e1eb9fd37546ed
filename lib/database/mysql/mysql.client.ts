import type { QueryRunner } from 'typeorm';

/** What the `mysql2` driver gives out, as far as it is used here. */
export interface MysqlClient {
  readonly threadId?: number;
  readonly stream?: { readonly destroyed?: boolean; destroy(error: Error): void };
  on(event: 'error', listener: () => void): void;
  /** Back to its pool. */
  release(): void;
  destroy(): void;
}

export async function clientOf(runner: QueryRunner): Promise<MysqlClient> {
  return (await runner.connect()) as MysqlClient;
}

/** Cuts a connection instead of giving it back. Whoever still waits for an answer on it is told why there is none. */
export function cutMysqlClient(client: MysqlClient, reason: Error): void {
  // An error event that nobody listens for would end the process.
  client.on('error', () => undefined);
  client.destroy();
  client.stream?.destroy(reason);
}

/** The same for a runner's, should it ever get one. */
export async function cutMysqlRunner(runner: QueryRunner, reason: Error): Promise<MysqlClient | undefined> {
  const client = await clientOf(runner).catch(() => undefined);
  if (client) cutMysqlClient(client, reason);
  return client;
}
