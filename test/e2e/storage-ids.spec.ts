import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { startHost, type Host } from '../support/host.js';
import { effects, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Billing {
  readonly payloads: (object | null)[] = [];

  @OnSyncEvent('stripe', 'customer.*', { name: 'book', hydrate: false })
  async book(event: SyncEvent<Stripe.Event>, { record, manager }: SyncContext) {
    this.payloads.push(event.payload.data.object);
    await write(manager, 'book', record.id);
  }
}

/** Alike to a database that compares as people read. */
const alike: Record<string, [string, string]> = {
  'by case': ['cus_a', 'cus_A'],
  'by a space behind': ['cus_b', 'cus_b '],
  'by an accent': ['cus_e', 'cus_é'],
  'by how an accent is written': ['cus_\u00e9', 'cus_e\u0301'],
  'by width': ['cus_1', 'cus_１'],
  'by their last letter, of 255': [`${'ü'.repeat(254)}a`, `${'ü'.repeat(254)}b`],
  'by one emoji': ['cus_😀', 'cus_😁'],
};

describe('ids are compared to the letter', () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing] });
  });
  afterAll(() => host.close());
  afterEach(async () => {
    for (const table of ['sync_event', 'sync_record', 'effect']) await host.sql(`DELETE FROM ${table}`);
  });

  it.each(Object.entries(alike))('records that differ %s are two', async (_, ids) => {
    for (const id of ids) await send(host, { object: 'customer', id });
    await settled(host);
    expect((await effects(host)).sort()).toEqual(ids.map((id) => `book ${id}`).sort());
    const records = await host.sql<{ record_id: string }>('SELECT record_id FROM sync_record');
    expect(records.map((row) => row.record_id).sort()).toEqual([...ids].sort());
  });

  it.each(Object.entries(alike))(
    'events whose ids differ %s are two, and each enters once',
    async (_, ids) => {
      const object = { object: 'customer', id: 'cus_1' };
      for (const id of [...ids, ...ids]) await send(host, object, { id });
      await settled(host);
      expect(await effects(host)).toEqual(['book cus_1', 'book cus_1']);
      for (const id of ids) {
        expect(await host.sync.explain(id)).toContain(`event ${id} (customer.updated)`);
        expect(
          (await host.sync.explain(id)).split('\n').filter((line) => !line.startsWith(' ')),
        ).toHaveLength(1);
      }
    },
  );

  it('one that is too long for any provider is kept, and hurts nobody', async () => {
    await Promise.all([
      send(host, { object: 'customer', id: `cus_${'x'.repeat(300)}` }),
      send(host, { object: 'customer', id: 'cus_1' }),
    ]);
    await settled(host);
    expect(await effects(host)).toEqual(['book cus_1']);
    expect(await host.sql(`SELECT state, reason FROM sync_event ORDER BY state`)).toEqual([
      { state: 'completed', reason: null },
      { state: 'dead', reason: 'unstorable' },
    ]);
  });

  it('bodies are kept to the letter, whatever is in them, and beside whichever others they are stored', async () => {
    const objects = Array.from({ length: 12 }, (_, i) => ({
      object: 'customer',
      id: `cus_${10 + i}`,
      name: '😀 Zoë “Ö” \u{10ffff} \\ \' " ; -- \t 你好 \u200f'.repeat(i),
      long: i % 3 === 0 ? '🎉'.repeat(20_000) : null,
    }));
    const { payloads } = host.app.get(Billing);
    payloads.splice(0);
    // The first is stored at once, and the others together.
    await Promise.all(objects.map((object) => send(host, object)));
    await settled(host);
    const idOf = (payload: object | null) => (payload as { id: string }).id;
    expect(payloads.sort((a, b) => idOf(a).localeCompare(idOf(b)))).toEqual(objects);
  });
});
