import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { EntityManager } from 'typeorm';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, effects, quick, send, settled, write } from '../support/scenario.js';

type Misdeed = (manager: EntityManager, attempt: number) => Promise<void> | void;

@Injectable()
class Careless {
  misdeed: Misdeed = () => undefined;

  @OnSyncEvent('stripe', 'customer.updated', { name: 'careless', hydrate: false })
  async updated(_event: SyncEvent, { manager, attempt }: SyncContext) {
    await write(manager, 'careless', `#${attempt}`);
    await this.misdeed(manager, attempt);
  }
}

describe('promise 2, once, where a handler tampers with its transaction', () => {
  let host: Host;
  beforeEach(async () => {
    host = await startHost({ ...quick, providers: [Careless], source: { ...quick.source, maxAttempts: 3 } });
  });
  afterEach(() => host.close());

  const event = async () => (await host.sql('SELECT state, error FROM sync_event'))[0]!;

  it.each<[string, Misdeed, string[]]>([
    ['COMMIT', (manager) => void manager.query('COMMIT'), ['careless #1']],
    ['ROLLBACK', (manager) => void manager.query('ROLLBACK'), []],
    ['COMMIT, and throws', (manager) => manager.query('COMMIT').then(fail), ['careless #1']],
    [
      'COMMIT and BEGIN',
      (manager) => manager.query('COMMIT').then(() => manager.query('BEGIN')),
      ['careless #1'],
    ],
  ])('%s by hand is told, and never tried again', async (_, misdeed, left) => {
    host.app.get(Careless).misdeed = misdeed;
    await send(host, { object: 'customer', id: 'cus_1' });
    await settled(host);
    expect(await event()).toMatchObject({
      state: 'dead',
      error: expect.stringContaining('ended its transaction itself'),
    });
    expect(await effects(host)).toEqual(left);
  });

  it('a nested transaction that nobody waits for is told, and leaves nothing open in the pool', async () => {
    const careless = host.app.get(Careless);
    const opened: Promise<unknown>[] = [];
    careless.misdeed = async (manager) => {
      let begun = false;
      const nested = manager.transaction(async (inner) => {
        begun = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
        await inner.insert(Effect, { handler: 'nested', subject: 'late' });
      });
      opened.push(nested.catch(() => undefined));
      await until(() => begun);
    };
    await send(host, { object: 'customer', id: 'cus_1' });
    await settled(host);
    await Promise.all(opened);
    expect(await event()).toMatchObject({ state: 'dead', error: expect.stringContaining('transaction') });
    expect(await effects(host)).toEqual([]);

    // Every connection of the pool is clean: what the host writes now stays.
    await Promise.all(Array.from({ length: 30 }, () => write(host.dataSource.manager, 'host', 'kept')));
    const [open] = await host.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`,
    );
    expect(open!.n).toBe(0);
    expect(await effects(host)).toHaveLength(30);
  });
});

function fail(): never {
  throw new Error('after the fact');
}
