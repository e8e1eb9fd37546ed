import type { DataSource } from 'typeorm';
import { FencedTransaction } from '../../lib/process/fenced-transaction.js';
import { connectTo, databaseKind, type TestDatabase } from './database.js';
import type { Host } from './host.js';
import { idleInTransaction, killSession, sessionOf, sessions } from './sessions.js';
import { sqlOn } from './sql.js';

/** What happens to workers, as the database sees it. */
export class Mishaps {
  private constructor(
    private readonly host: Host,
    /** Has one session, which is never a victim. */
    private readonly administrator: DataSource,
  ) {}

  static async of(host: Host): Promise<Mishaps> {
    const options = { ...host.database.options, poolSize: 1 } as TestDatabase['options'];
    return new Mishaps(host, await connectTo({ ...host.database, options }));
  }

  expire(): Promise<unknown> {
    return this.host.sql(`UPDATE sync_record SET lease_until = now() WHERE lease_token IS NOT NULL`);
  }

  steal(): Promise<unknown> {
    return this.host.sql(
      `UPDATE sync_record SET lease_token = gen_random_uuid(), lease_until = now() WHERE lease_token IS NOT NULL`,
    );
  }

  /** Ends two sessions, of those with an open transaction if there are any. */
  async kill(): Promise<void> {
    if (databaseKind === 'sqlite') return this.host.app.get(FencedTransaction, { strict: false }).cutOff();
    const on = { sql: sqlOn(this.administrator) };
    const own = await sessionOf(this.administrator);
    const all = (await sessions(on)).sort(() => Math.random() - 0.5);
    const victims = new Set([...(await idleInTransaction(on)), ...all]);
    victims.delete(own);
    for (const id of [...victims].slice(0, 2)) await killSession(on, id);
  }

  close(): Promise<void> {
    return this.administrator.destroy();
  }
}
