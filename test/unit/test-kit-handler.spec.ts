import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { syncChange, syncContext, syncEvent } from 'nestjs-hybrid-sync/testing';
import { stripeChange, stripeEvent, stripeRecord } from 'nestjs-hybrid-sync/testing/stripe';
import Stripe from 'stripe';
import { parseEvent } from '../../lib/connectors/stripe/stripe.event.js';
import { complaints } from '../support/compiler.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

class Dunning {
  async remind(event: SyncEvent<Stripe.InvoicePaymentFailedEvent>, context: SyncContext<Stripe.Invoice>) {
    const { record, manager, idempotencyKey } = context;
    if (record.data?.status !== 'open') return;
    await manager.insert('mail', { id: idempotencyKey, invoice: event.payload.data.object.id });
  }
}

describe('a handler is tested in three lines', () => {
  it('with what it writes', async () => {
    const insert = jest.fn();
    const record = { resource: 'invoice', id: 'in_1', data: { status: 'open' } };
    const context = syncContext({ record, manager: { insert } });
    await new Dunning().remind(
      stripeEvent('invoice.payment_failed', { id: 'in_1', status: 'open' }),
      context,
    );
    expect(insert.mock.calls).toEqual([['mail', { id: context.idempotencyKey, invoice: 'in_1' }]]);
  });

  it('and is told what is missing if it asks for a manager that the test has not given', async () => {
    const context = syncContext({ record: stripeRecord('invoice', { status: 'open' }) });
    await expect(new Dunning().remind(stripeEvent('invoice.payment_failed'), context)).rejects.toThrow(
      /syncContext\(\{ manager: dataSource\.manager \}\)/,
    );
    // Who only compares or prints it has not asked.
    expect(Object.keys(context)).not.toContain('manager');
    expect(context).toMatchObject({ attempt: 1 });
  });
});

describe('syncContext()', () => {
  it('has every field, without a word of the test', () => {
    const context = syncContext();
    expect(context).toMatchObject({
      record: {
        source: 'test',
        connectionId: 'default',
        resource: 'record',
        id: '1',
        version: 0,
        data: null,
      },
      origin: 'webhook',
      attempt: 1,
      events: [{ type: 'record.updated', source: 'test', origin: 'webhook' }],
    });
    expect(context.signal.aborted).toBe(false);
    expect(context.idempotencyKey).toMatch(UUID);
  });

  it('says nothing through its logger', () => {
    const said = jest.spyOn(process.stdout, 'write');
    const { logger } = syncContext();
    for (const level of ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'] as const)
      logger[level]!('something');
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });

  it('has the same key on every attempt, and another for another record, version or event', () => {
    const keyOf = (...parts: Parameters<typeof syncContext>) => syncContext(...parts).idempotencyKey;
    const record = { resource: 'invoice', id: 'in_1', data: {} };
    const key = keyOf({ record });
    expect(keyOf({ record, attempt: 2 })).toBe(key);
    const others = [
      keyOf({ record: { ...record, id: 'in_2' } }),
      keyOf({ record: { ...record, version: 2 } }),
      keyOf({ record, events: [syncEvent('invoice.paid', {}, { id: 'evt_1' })] }),
      keyOf({ record, events: [syncEvent('invoice.paid', {}, { id: 'evt_2' })] }),
    ];
    expect(new Set([key, ...others]).size).toBe(5);
  });

  it('takes source and origin from the events given', () => {
    const events = [
      stripeEvent('invoice.paid', {}, { source: 'stripeEu', origin: 'manual', account: 'acct_1' }),
    ];
    const { record, origin } = syncContext({ events, record: { resource: 'invoice' } });
    expect({ ...record, origin }).toMatchObject({
      source: 'stripeEu',
      connectionId: 'acct_1',
      resource: 'invoice',
      origin: 'manual',
    });
  });
});

describe('syncEvent()', () => {
  it('carries what JSON can carry', () => {
    const event = syncEvent('order.paid', { at: new Date(0), none: undefined, total: 3 });
    expect(event.payload).toEqual({ at: '1970-01-01T00:00:00.000Z', total: 3 });
    expect(syncEvent('ping', undefined).payload).toBeNull();
  });

  it('has an id that no other has, unless it is given one', () => {
    expect(syncEvent('a', {}).id).not.toBe(syncEvent('a', {}).id);
    expect(syncEvent('a', {}, { id: null }).id).toBeNull();
  });
});

describe('syncChange()', () => {
  it('is of the kind that its record says', () => {
    const data = { total: 3 };
    expect(syncChange({ data })).toMatchObject({ kind: 'created', data, record: { version: 1 } });
    expect(syncChange({ data, version: 2 })).toMatchObject({ kind: 'updated', data });
    expect(syncChange({ id: '7' })).toMatchObject({ kind: 'deleted', data: null, record: { id: '7' } });
    expect(syncChange({ data }, 'deleted')).toMatchObject({ kind: 'deleted', data: null });
    expect(syncChange({ data }).record).not.toHaveProperty('data');
  });
});

describe('stripeEvent()', () => {
  it('is what the module makes of what Stripe would send', () => {
    const occurredAt = new Date('2026-05-01T10:00:00.900Z');
    const event = stripeEvent('invoice.payment_failed', { id: 'in_1', status: 'open' }, { occurredAt });
    expect(event).toMatchObject({
      id: event.payload.id,
      type: 'invoice.payment_failed',
      source: 'stripe',
      connectionId: 'default',
      origin: 'webhook',
      occurredAt: new Date('2026-05-01T10:00:00Z'),
      late: false,
      replayed: false,
      payload: { object: 'event', type: 'invoice.payment_failed', livemode: false, created: 1_777_629_600 },
    });
    expect(event.payload.api_version).toBe(Stripe.API_VERSION);
    expect(event.payload.pending_webhooks).toBe(1);
    expect(event.payload.request).toEqual({ id: null, idempotency_key: null });
    const read = parseEvent(
      { body: Buffer.from(JSON.stringify(event.payload)), connectionId: 'default' },
      true,
    );
    expect(read).toMatchObject({ resource: 'invoice', recordId: 'in_1', eventId: event.id });
  });

  it('completes the object at every depth, and keeps what it was given', () => {
    const { object } = stripeEvent('invoice.paid', {
      status: 'paid',
      status_transitions: { paid_at: 5 },
      lines: { data: [{ amount: 700 }, { amount: 300, quantity: 2 }] },
      metadata: { order: '7' },
    }).payload.data;
    expect(object).toMatchObject({
      object: 'invoice',
      status: 'paid',
      currency: 'usd',
      total: 1_000,
      status_transitions: { paid_at: 5, voided_at: null },
      metadata: { order: '7' },
    });
    expect(object.id).toMatch(/^in_/);
    expect(object.lines).toMatchObject({ object: 'list', has_more: false });
    expect(object.lines.data.map(({ amount, quantity }) => [amount, quantity])).toEqual([
      [700, 1],
      [300, 2],
    ]);
  });

  it.each([
    ['customer.subscription.updated', 'subscription', /^sub_/],
    ['charge.dispute.created', 'dispute', /./],
    ['issuing_card.created', 'issuing.card', /./],
    ['checkout.session.completed', 'checkout.session', /^cs_/],
    ['source.mandate_notification', 'source_mandate_notification', /./],
  ] as const)('knows what %s is about', (type, object, id) => {
    const shown = stripeEvent(type).payload.data.object as { object: string; id?: string };
    expect(shown.object).toBe(object);
    expect(shown.id).toMatch(id);
  });

  it('is about the kind that the test says, where there are several', () => {
    const event = stripeEvent('customer.source.created', { object: 'bank_account', customer: 'cus_1' });
    expect(event.payload.data.object.object).toBe('bank_account');
  });

  it('gives no id to what has none at Stripe', () => {
    const { object } = stripeEvent('balance.available', { livemode: true }).payload.data;
    expect(object).toMatchObject({ object: 'balance', available: [], livemode: true });
    expect(object).not.toHaveProperty('id');
  });

  it('belongs to the account, and says what was before', () => {
    const previousAttributes = { email: 'old@example.com' };
    const event = stripeEvent('customer.updated', {}, { account: 'acct_1', previousAttributes });
    expect(event.connectionId).toBe('acct_1');
    expect(event.payload.account).toBe('acct_1');
    expect(event.payload.data.previous_attributes).toEqual(previousAttributes);
    expect(stripeEvent('customer.created').payload.data).not.toHaveProperty('previous_attributes');
  });
});

describe('stripeRecord() and stripeChange()', () => {
  it('show a record as a pass does', () => {
    expect(stripeRecord('invoice', { id: 'in_1', status: 'open' })).toMatchObject({
      source: 'stripe',
      connectionId: 'default',
      resource: 'invoice',
      id: 'in_1',
      version: 1,
      data: { object: 'invoice', status: 'open', amount_due: 0 },
    });
    expect(stripeRecord('balance').id).toBe('balance');
  });

  it('name what is nested by its parent too, or say that it is missing', () => {
    expect(stripeRecord('tax_id', { id: 'txi_1', customer: 'cus_1' }).id).toBe('cus_1/txi_1');
    expect(() => stripeRecord('person')).toThrow(/person is read by its parent's id too/);
  });

  it('have decimals as text, as every record does', () => {
    expect(stripeRecord('price', { unit_amount_decimal: '12.5' }).data!.unit_amount_decimal).toBe('12.5');
    const exact = { unit_amount_decimal: Stripe.Decimal.from('12.5') as unknown as string };
    expect(stripeRecord('price', exact).data!.unit_amount_decimal).toBe('12.5');
  });

  it('say what kind of change it is', () => {
    expect(stripeChange('invoice', { id: 'in_1' })).toMatchObject({ kind: 'created', data: { id: 'in_1' } });
    expect(stripeChange('invoice', {}, { version: 4 })).toMatchObject({ kind: 'updated' });
    expect(stripeChange('invoice', { id: 'in_1' }, { kind: 'deleted' })).toMatchObject({
      kind: 'deleted',
      data: null,
      record: { id: 'in_1', resource: 'invoice' },
    });
  });
});

describe('the types', () => {
  it('let every right use compile, and no wrong one', () => {
    const file = join(process.cwd(), 'test/unit/types/testing-uses.ts');
    expect(complaints([file])).toBe('');
    expect(readFileSync(file, 'utf8').match(/@ts-expect-error/g)!.length).toBeGreaterThan(12);
  }, 180_000); // The compiler takes seconds, and more where others are busy.
});
