import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncEvent } from 'nestjs-hybrid-sync';
import { PruneScheduler } from '../../lib/dispatch/prune.scheduler.js';
import { startHost, until, type Host } from '../support/host.js';
import { Gate, quick, send, settled } from '../support/scenario.js';

let calls: string[] = [];
let gate: Gate | undefined;
let fails = false;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  async book(event: SyncEvent) {
    calls.push(`book ${event.id}`);
    await gate?.pass();
    if (fails) throw new Error('no');
  }

  @OnSyncChange('stripe', 'customer', { name: 'copy' })
  copy({ kind }: SyncChange) {
    calls.push(`copy ${kind}`);
  }
}

describe('personal data', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Crm], source: { ...quick.source, maxAttempts: 2 } });
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    [calls, gate, fails] = [[], undefined, false];
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
  });

  const create = () => host.stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' });
  const bodies = () => host.sql('SELECT id FROM sync_event WHERE payload IS NOT NULL');
  const erase = (id: string) => host.sync.erase({ source: 'stripe', resource: 'customer', id });

  it('is erased: bodies, errors and marks go, the ids and a tombstone stay', async () => {
    const customer = create();
    const id = await send(host, customer);
    await send(host, customer);
    await settled(host);
    expect(await erase(customer.id)).toEqual({ events: 2 });
    expect(await bodies()).toEqual([]);
    expect(await host.sql('SELECT * FROM sync_mark')).toEqual([]);
    expect(await host.sql('SELECT fingerprint FROM sync_record WHERE deleted_at IS NOT NULL')).toEqual([
      { fingerprint: null },
    ]);
    expect(await host.sync.explain(id)).toMatch(/body is no longer kept/);

    // A late delivery of an event that was erased is a duplicate still.
    calls = [];
    await send(host, customer, { id });
    await host.sync.idle();
    expect(calls).toEqual([]);
    expect(await bodies()).toEqual([]);
  });

  it('is erased while it waits, and what waited is no longer handled', async () => {
    fails = true;
    const customer = create();
    const id = await send(host, customer);
    await until(() => calls.includes(`book ${id}`));
    await erase(customer.id);
    await host.sync.idle();
    expect(await host.sql('SELECT state, reason, payload FROM sync_event')).toEqual([
      { state: 'skipped', reason: 'erased', payload: null },
    ]);
    expect(await host.sync.replay({ eventId: id })).toEqual({ replayed: 0 });
  });

  it('is erased while a handler has it: the pass comes to its end first, and leaves nothing behind', async () => {
    gate = new Gate();
    const customer = create();
    await send(host, customer);
    await gate.reached;
    const erased = erase(customer.id);
    gate.release();
    await erased;
    await host.sync.idle();
    expect(await bodies()).toEqual([]);
    expect(await host.sql('SELECT * FROM sync_mark')).toEqual([]);
  });

  it('comes back if the record lives on at the provider, with its next event', async () => {
    const customer = create();
    await send(host, customer);
    await settled(host);
    await erase(customer.id);
    calls = [];
    await send(host, customer);
    await settled(host);
    expect(calls).toContain('copy created');
  });

  it('goes with the body of an event that was settled long ago; not with that of one that is dead', async () => {
    const old = await send(host, create());
    await settled(host);
    fails = true;
    const dead = await send(host, create());
    await settled(host);
    fails = false;
    await host.sql(`UPDATE sync_event SET received_at = received_at - interval '31 days'`);
    const young = await send(host, create());
    await settled(host);

    const kept = `SELECT event_id FROM sync_event WHERE payload IS NOT NULL ORDER BY id`;
    await host.app.get(PruneScheduler, { strict: false }).prune();
    expect(await host.sql(kept)).toEqual([{ event_id: dead }, { event_id: young }]);
    expect(await host.sync.replay({ eventId: old })).toEqual({ replayed: 0 });
  });
});
