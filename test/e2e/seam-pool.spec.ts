import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { idleInTransaction } from '../support/sessions.js';
import { effects, Gate, quick, send, settled, write } from '../support/scenario.js';

const POOL = 5;
const RECORDS = 40;

/** Another system's API, which takes its time to answer. */
const network = { calls: 0, gate: new Gate() };

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false, transaction: 'none', timeoutMs: 600_000 })
  async push() {
    network.calls += 1;
    await network.gate.pass();
  }
}

/** Never comes back by itself. */
const stuck = { calls: 0 };

@Injectable()
class Stuck {
  @OnSyncEvent('stripe', 'product.*', { hydrate: false })
  async hang(_event: SyncEvent, { manager, signal }: SyncContext) {
    stuck.calls += 1;
    await write(manager, 'stuck', 'never kept');
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('over'))));
  }
}

describe('a small pool of the host', () => {
  let host: Host;
  afterEach(() => host.close());

  itOn(SERVERS, 'SQLite has no pool')(
    'is the host’s, however many handlers wait for a network, and for however long',
    async () => {
      host = await startHost({ ...quick, providers: [Crm], poolSize: POOL });
      for (let i = 0; i < RECORDS; i += 1) await send(host, { object: 'customer', id: `cus_${i}` });
      await until(() => network.calls === RECORDS);
      expect(await idleInTransaction(host)).toEqual([]);

      // The host takes every connection that there is, all at once.
      const runners = Array.from({ length: POOL }, () => host.dataSource.createQueryRunner());
      await Promise.all(runners.map((runner) => runner.startTransaction()));
      await Promise.all(runners.map((runner, i) => write(runner.manager, 'host', `#${i}`)));
      // And deliveries come in meanwhile.
      await send(host, { object: 'product', id: 'prod_1' });
      await Promise.all(runners.map((runner) => runner.commitTransaction()));
      await Promise.all(runners.map((runner) => runner.release()));
      expect(await effects(host)).toHaveLength(POOL);

      network.gate.release();
      await settled(host);
      expect(network.calls).toBe(RECORDS);
    },
  );

  it('gives every place of a connection to records, though the handlers of others hang and end no pass', async () => {
    network.gate = new Gate();
    network.calls = 0;
    host = await startHost({ ...quick, providers: [Crm], sync: { ...quick.sync, maxPasses: 20 } });
    const deliver = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) await send(host, { object: 'customer', id: `cus_${n}` });
    };
    await deliver(0, 6);
    await until(() => network.calls === 6);
    await host.sync.pause({ source: 'stripe' });
    await deliver(6, 22);
    await host.sync.resume({ source: 'stripe' });
    // One place is kept for other connections.
    await until(() => network.calls === 19);
    network.gate.release();
    await settled(host);
    expect(network.calls).toBe(22);
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'full of handlers that hang, keeps neither those waiting that need no transaction, nor what nobody handles',
    async () => {
      network.gate = new Gate();
      network.gate.release();
      const before = network.calls;
      host = await startHost({
        ...quick,
        providers: [Crm, Stuck],
        poolSize: POOL,
        sync: { ...quick.sync, drainMs: 50 },
      });
      for (let i = 0; i < RECORDS; i += 1) await send(host, { object: 'product', id: `prod_${i}` });
      await until(() => stuck.calls === POOL - 2);
      await send(host, { object: 'customer', id: 'cus_1' });
      const unhandled = await send(host, { object: 'coupon', id: 'coupon_1' });
      await until(() => network.calls === before + 1);
      await until(async () => /skipped/.test(await host.sync.explain(unhandled)));
      // All that time the others have hung.
      expect(stuck.calls).toBe(POOL - 2);
    },
  );
});
