import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import {
  dispatcherOf,
  Effect,
  effects,
  Gate,
  noPassRuns,
  quick,
  send,
  settled,
  write,
} from '../support/scenario.js';
import { createTrigger, dropTrigger } from '../support/trigger.js';

const recordPath = { method: 'GET', path: /^\/v1\/customers\// };

@Injectable()
class Billing {
  calls: string[] = [];
  gate: Record<string, Gate | undefined> = {};

  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent, context: SyncContext) {
    return this.handle('book', event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail(event: SyncEvent, context: SyncContext) {
    return this.handle('mail', event, context);
  }

  private async handle(name: string, event: SyncEvent, { manager }: SyncContext) {
    this.calls.push(name);
    await write(manager, name, event.id);
    await this.gate[name]?.pass();
  }
}

describe('promise 2, once, when a lease is lost', () => {
  let host: Host;
  let billing: Billing;
  let id: string;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing] });
    billing = host.app.get(Billing);
  });
  afterAll(() => host?.close());

  beforeEach(async () => {
    Object.assign(billing, { calls: [], gate: {} });
    await host.dataSource.getRepository(Effect).clear();
    await host.sql('DELETE FROM sync_event');
  });

  const deliver = async () =>
    (id = await send(host, host.stripe.create('customer', {}, { delivery: 'unlogged' })));
  const steal = () =>
    host.sql(`UPDATE sync_record SET lease_token = gen_random_uuid() WHERE lease_token IS NOT NULL`);
  const expire = () =>
    host.sql(`UPDATE sync_record SET lease_until = now() - interval '1 s' WHERE lease_token IS NOT NULL`);
  const once = async () => expect((await effects(host)).sort()).toEqual([`book ${id}`, `mail ${id}`]);

  it('before the first fence: nothing is written, no handler is called', async () => {
    const fetch = host.stripe.hold(recordPath);
    await deliver();
    await fetch.reached;
    await steal();
    fetch.release();
    await until(async () => (await host.sql('SELECT FROM sync_record WHERE version = 0')).length === 1);
    await host.stripe.requests.until({ ...recordPath, status: 200 });
    // The pass has come to nothing; whoever has the lease may die too.
    await noPassRuns(host);
    expect(billing.calls).toEqual([]);
    expect(
      await host.sql('SELECT version, fingerprint FROM sync_record WHERE lease_token IS NOT NULL'),
    ).toEqual([{ version: 0, fingerprint: null }]);
    await expire();
    await settled(host);
    expect(billing.calls).toEqual(['book', 'mail']);
    await once();
  });

  it('between two handlers: what is done stays done, the rest is the next owner’s', async () => {
    // The thief cannot come before the first handler has committed, nor after the second one's fence.
    await createTrigger(host, {
      name: 'steal',
      at: 'AFTER INSERT ON sync_mark',
      run: `UPDATE sync_record SET lease_token = gen_random_uuid(), lease_until = now()
        WHERE record_key = NEW.record_key`,
    });
    await deliver();
    await settled(host);
    await dropTrigger(host, 'steal');
    expect(billing.calls).toEqual(['book', 'mail']);
    await once();
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'never in the middle of a handler: its open transaction is the lease, and nobody waits for it',
    async () => {
      const options = { ...quick, providers: [Billing], sync: { ...quick.sync, leaseMs: 50 } };
      const host = await startHost(options);
      const other = await startHost({ ...options, beside: host });
      const gate = new Gate();
      const billings = [host, other].map(({ app }) => app.get(Billing));
      billings.forEach((billing) => (billing.gate.book = gate));
      try {
        id = await send(host, host.stripe.create('customer', {}, { delivery: 'unlogged' }));
        await gate.reached;
        // What the others see is the claim's lease, and that runs out; only the fence's lock is left.
        await until(
          async () => (await host.sql('SELECT FROM sync_record WHERE lease_until < now()')).length > 0,
        );
        billings.forEach((billing) => (billing.gate = {}));
        for (const process of [host, other]) {
          await dispatcherOf(process).sweep();
          const next = await send(process, host.stripe.create('customer', {}, { delivery: 'unlogged' }));
          await until(async () => (await effects(host)).includes(`mail ${next}`));
        }
        expect(await effects(host)).not.toContain(`mail ${id}`);
        gate.release();
        await settled(host);
        expect((await effects(host)).filter((effect) => effect.endsWith(id)).sort()).toEqual([
          `book ${id}`,
          `mail ${id}`,
        ]);
      } finally {
        gate.release();
        await other.close();
        await host.close();
      }
    },
  );

  it('expiry alone does not stop the owner', async () => {
    const fetch = host.stripe.hold(recordPath);
    await deliver();
    await fetch.reached;
    await expire();
    fetch.release();
    await settled(host);
    expect(
      host.stripe.requests
        .all(recordPath)
        .filter(({ path }) => path.endsWith(host.stripe.all('customer').at(-1)!.id)),
    ).toHaveLength(1);
    await once();
  });

  it('to another process, by expiry: only one of them writes', async () => {
    const other = await startHost({ ...quick, providers: [Billing], beside: host });
    try {
      const fetch = host.stripe.hold(recordPath);
      await deliver();
      await fetch.reached;
      await expire();
      await settled(host);
      fetch.release();
      await noPassRuns(host);
      expect([...billing.calls, ...other.app.get(Billing).calls].sort()).toEqual(['book', 'mail']);
      await once();
    } finally {
      await other.close();
    }
  });
});
