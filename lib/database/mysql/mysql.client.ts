import type { DataSource, QueryRunner } from 'typeorm';

/** What the `mysql2` driver gives out, as far as it is used here. */
export interface MysqlClient {
  readonly threadId?: number;
  destroy(): void;
  readonly stream?: { readonly destroyed?: boolean };
}

export async function clientOf(runner: QueryRunner): Promise<MysqlClient> {
  return (await runner.connect()) as MysqlClient;
}

/**
 * Cuts a connection instead of giving it back, and asks the server to end what it does for it: busy with a statement, or
 * waiting for a lock, it does not notice that its client has gone.
 */
export function destroyMysqlConnection(client: MysqlClient, other: DataSource | undefined): void {
  client.destroy();
  if (client.threadId !== undefined)
    void other?.query(`KILL CONNECTION ${client.threadId}`).catch(() => undefined);
}
