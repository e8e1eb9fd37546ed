import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, type Host } from '../support/host.js';

@Injectable()
class Billing {
  readonly events: string[] = [];
  readonly changes: string[] = [];

  @OnSyncEvent('stripe', 'customer.*')
  seen(event: SyncEvent, { record }: SyncContext) {
    this.events.push(`${event.type} ${record.data?.email}`);
  }

  @OnSyncChange('stripe', 'customer')
  changed(change: SyncChange<{ email: string }>) {
    this.changes.push(`${change.kind} ${change.data?.email} v${change.record.version}`);
  }
}

describe.each(['express', 'fastify'] as const)('a change at Stripe reaches a handler, on %s', (adapter) => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost({ providers: [Billing], adapter });
  });
  afterAll(() => host?.close());

  it('once, with the full record', async () => {
    const billing = host.app.get(Billing);
    const customer = host.stripe.create('customer', { email: 'ada@example.com' });
    await host.stripe.flush();
    await host.sync.idle();
    expect(billing.changes).toEqual(['created ada@example.com v1']);
    expect(billing.events).toEqual(['customer.created ada@example.com']);

    host.stripe.update('customer', customer.id, { email: 'ada@lovelace.org' });
    await host.stripe.flush();
    await host.sync.idle();
    expect(billing.changes.slice(1)).toEqual(['updated ada@lovelace.org v2']);

    host.stripe.delete('customer', customer.id);
    await host.stripe.flush();
    await host.sync.idle();
    expect(billing.changes.slice(2)).toEqual(['deleted undefined v3']);
    expect(billing.events).toEqual([
      'customer.created ada@example.com',
      'customer.updated ada@lovelace.org',
      'customer.deleted undefined',
    ]);
    expect(await host.sql('SELECT state, count(*)::int AS n FROM sync_event GROUP BY 1')).toEqual([
      { state: 'completed', n: 3 },
    ]);
    expect(await host.sync.explain(host.stripe.deliveries.all?.()[0]?.eventId ?? 'x')).toBeDefined();
  });
});
