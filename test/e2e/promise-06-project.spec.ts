import { Injectable } from '@nestjs/common';
import { mirror, OnSyncChange, OnSyncEvent, SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { Customer } from '../support/customer.js';
import { startHost, type Host } from '../support/host.js';
import { effects, quick, settled, write } from '../support/scenario.js';

@Injectable()
class Crm {
  @OnSyncEvent('stripe', '*', { hydrate: false })
  async event(_: unknown, { manager }: SyncContext) {
    await write(manager, 'event', null);
  }

  @OnSyncChange('stripe', 'customer', { name: 'other' })
  async other({ kind, record }: SyncChange, { manager }: SyncContext) {
    await write(manager, `other ${kind}`, record.id);
  }
}

let suffix = '';

describe('a projection', () => {
  let host: Host;
  afterEach(() => host.close());

  beforeEach(async () => {
    suffix = '';
    host = await startHost({
      ...quick,
      providers: [Crm],
      entities: [...quick.entities, Customer],
      mirrors: [
        mirror('stripe', 'customer', {
          to: Customer,
          key: ['id'],
          name: 'customers',
          map: ({ email }: { email: string | null }) => ({ email: `${email}${suffix}` }),
        }),
      ],
    });
    const now = Math.floor(Date.now() / 1000);
    for (let i = 0; i < 120; i += 1)
      host.stripe.create(
        'customer',
        { id: `cus_${i}`, email: `${i}@x.com`, created: now - 60 - i * 86_400 },
        { delivery: 'unlogged' },
      );
    await (await host.sync.backfill({ source: 'stripe' })).done();
  });

  const emails = async () =>
    (await host.dataSource.getRepository(Customer).find()).map(({ email }) => String(email)).sort();

  it('shows every record to one handler again, and nothing to others', async () => {
    const others = await effects(host);
    expect(others).toHaveLength(120);
    suffix = '!';
    const calls = host.stripe.requests.count({ path: /customers\/cus/ });
    const report = await (await host.sync.project({ handler: 'customers' })).done();
    expect(report).toMatchObject({
      kind: 'project',
      state: 'completed',
      notDone: [],
      resources: { customer: { read: 120 } },
    });
    expect(await emails()).toEqual(Array.from({ length: 120 }, (_, i) => `${i}@x.com!`).sort());
    expect(await effects(host)).toEqual(others);
    // Those that were saved just now are read once more: the listing may lag behind.
    expect(host.stripe.requests.count({ path: /customers\/cus/ }) - calls).toBeLessThanOrEqual(120);
  });

  it('can be paused on the way, and goes on from there', async () => {
    suffix = '?';
    const page = host.stripe.hold({ path: '/v1/customers' });
    const run = await host.sync.project({ handler: 'customers', from: new Date(0) });
    await page.reached;
    await run.pause();
    page.release();
    await settled(host);
    expect((await run.report()).state).toBe('paused');
    await run.resume();
    expect(await run.done()).toMatchObject({ state: 'completed' });
    expect(new Set((await emails()).map((email) => email.at(-1)))).toEqual(new Set(['?']));
  });

  it('refuses a handler that there is not, or that is for events', async () => {
    await expect(host.sync.project({ handler: 'customer' })).rejects.toThrow(
      /no change handler or mirror 'customer'; there is: .*'customers'/,
    );
    await expect(host.sync.project({ handler: 'Crm.event' })).rejects.toBeInstanceOf(RangeError);
    await expect(
      host.sync.project({ handler: 'customers', resources: ['customer'] } as never),
    ).rejects.toThrow(/'resources'/);
    await expect(host.sync.project(undefined as never)).rejects.toThrow(RangeError);
    expect(await host.sql(`SELECT id FROM sync_run WHERE kind = 'project'`)).toEqual([]);
  });
});
