import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { randomBytes } from 'node:crypto';
import { startPostgres } from '../../tools/postgres/index.mjs';

/** A database of this run's own, on an embedded server or on that of DATABASE_URL. */
@Injectable()
export class Database implements OnApplicationShutdown {
  private constructor(
    readonly url: string,
    private readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<Database> {
    const server = await startPostgres({ durable: false });
    const name = `hybrid_sync_sample_${randomBytes(4).toString('hex')}`;
    await run(server.url, `CREATE DATABASE ${name}`);
    const url = new URL(server.url);
    url.pathname = name;
    return new Database(url.href, async () => {
      await run(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
      await server.stop();
    });
  }

  /** Last of all: Nest shuts down a module before those that it imports. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    await client.query(statement);
  } catch (error) {
    const failure = new Error(`The database of DATABASE_URL is of no use: ${(error as Error).message}.`);
    // One line is all there is to say.
    failure.stack = failure.message;
    throw failure;
  } finally {
    await client.end().catch(() => undefined);
  }
}

@Module({
  providers: [{ provide: Database, useFactory: () => Database.open() }],
  exports: [Database],
})
export class DatabaseModule {}
