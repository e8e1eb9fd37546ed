import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { EntityManager } from 'typeorm';
import { startHost, type Host } from '../support/host.js';
import { itOn } from '../support/only-on.js';
import { idleInTransaction } from '../support/sessions.js';
import { Effect, effects, Gate, openers, quick, send, settled, write } from '../support/scenario.js';

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

describe.each(openers)(
  'promise 2, once, where a handler tampers with its transaction, opened %s',
  (_, transaction) => {
    let host: Host;
    beforeEach(async () => {
      host = await startHost({
        ...quick,
        providers: [Careless],
        source: { ...quick.source, maxAttempts: 3 },
        transaction,
      });
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

    itOn('mysql', 'elsewhere a transaction can hold such statements')(
      'a statement that commits by itself is told, and never tried again',
      async () => {
        host.app.get(Careless).misdeed = async (manager) => {
          await manager.query('CREATE TABLE side_effect (id int)');
          await write(manager, 'careless', 'after');
        };
        await send(host, { object: 'customer', id: 'cus_1' });
        await settled(host);
        expect(await event()).toMatchObject({ state: 'dead', error: expect.stringMatching(/CREATE, ALTER/) });
        expect(await effects(host)).toEqual(['careless #1', 'careless after']);
      },
    );

    it('what it has left running when it throws is not kept', async () => {
      const careless = host.app.get(Careless);
      const running: Promise<unknown>[] = [];
      careless.misdeed = async (manager, attempt) => {
        if (attempt > 1) return;
        const leftRunning = async () => {
          for (;;) await write(manager, 'careless', 'left running').then(tick);
        };
        running.push(leftRunning().catch(() => undefined));
        await tick();
        throw new Error('not yet');
      };
      await send(host, { object: 'customer', id: 'cus_1' });
      await settled(host);
      await Promise.all(running);
      expect(await effects(host)).toEqual(['careless #2']);
    });

    it('what it has left running when it returns is in its transaction or nowhere', async () => {
      const careless = host.app.get(Careless);
      const running: Promise<unknown>[] = [];
      careless.misdeed = (manager) => {
        const leftRunning = async () => {
          await write(manager, 'careless', 'in time');
          await manager.query('ROLLBACK');
          await write(manager, 'careless', 'too late');
        };
        running.push(leftRunning().catch(() => undefined));
      };
      await send(host, { object: 'customer', id: 'cus_1' });
      await settled(host);
      await Promise.all(running);
      expect([[], ['careless #1'], ['careless #1', 'careless in time']]).toContainEqual(await effects(host));
    });

    it('a nested transaction that nobody waits for is told, and leaves nothing open in the pool', async () => {
      const careless = host.app.get(Careless);
      const opened: Promise<unknown>[] = [];
      const gates: Gate[] = [];
      careless.misdeed = async (manager) => {
        const gate = new Gate();
        gates.push(gate);
        const nested = manager.transaction(async (inner) => {
          await gate.pass();
          await inner.insert(Effect, { handler: 'nested', subject: 'late' });
        });
        opened.push(nested.catch(() => undefined));
        await gate.reached;
      };
      await send(host, { object: 'customer', id: 'cus_1' });
      await settled(host);
      gates.forEach((gate) => gate.release());
      await Promise.all(opened);
      expect(await event()).toMatchObject({ state: 'dead', error: expect.stringContaining('transaction') });
      expect(await effects(host)).toEqual([]);

      // Every connection of the pool is clean: what the host writes now stays.
      await Promise.all(Array.from({ length: 30 }, () => write(host.dataSource.manager, 'host', 'kept')));
      expect(await idleInTransaction(host)).toEqual([]);
      expect(await effects(host)).toHaveLength(30);
    });
  },
);

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function fail(): never {
  throw new Error('after the fact');
}
