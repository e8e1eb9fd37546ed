import fc from 'fast-check';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import type { IncomingEvent } from '../../lib/model/connector.js';
import { MalformedDeliveryError } from '../../lib/sync.errors.js';

const { connector } = stripe({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] });

function parse(body: unknown, connectionId = 'default'): IncomingEvent {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const events = connector.parse({ body: bytes, headers: {}, connectionId, search: '' });
  expect(events).toHaveLength(1);
  return events[0]!;
}

function event(type: string, object: object, more: object = {}) {
  return { id: 'evt_1', object: 'event', type, created: 1_763_900_000, data: { object }, ...more };
}

function thin(relatedObject: object | null, more: object = {}) {
  return {
    id: 'evt_2',
    object: 'v2.core.event',
    type: 'v1.billing.meter.error_report_triggered',
    created: '2026-11-23T12:00:00.250Z',
    context: null,
    related_object: relatedObject,
    ...more,
  };
}

describe('a snapshot event', () => {
  it('is read', () => {
    const body = JSON.stringify(event('invoice.paid', { id: 'in_1', object: 'invoice' }), null, 2);
    expect(parse(body)).toEqual({
      eventId: 'evt_1',
      type: 'invoice.paid',
      connectionId: 'default',
      resource: 'invoice',
      recordId: 'in_1',
      occurredAt: new Date(1_763_900_000_000),
      deletion: false,
      payload: body,
    });
  });

  it("is of the account that it names, else of the URL's connection", () => {
    const paid = event('invoice.paid', { id: 'in_1', object: 'invoice' });
    expect(parse(paid, 'eu').connectionId).toBe('eu');
    expect(parse({ ...paid, account: null }, 'eu').connectionId).toBe('eu');
    expect(parse({ ...paid, account: 'acct_9' }, 'eu').connectionId).toBe('acct_9');
  });

  it('is of the account whose secret it was signed with, if that is not the platform', () => {
    const { connector } = stripe({
      apiKey: 'sk_test_1',
      webhookSecrets: ['whsec_1'],
      connections: { acct_1: {}, tenant: { apiKey: 'sk_test_2' }, connect: { apiKey: 'sk_test_1' } },
    });
    const at = (connectionId: string, account: unknown) => {
      const body = event('invoice.paid', { id: 'in_1', object: 'invoice' }, { account });
      return connector.parse({
        body: Buffer.from(JSON.stringify(body)),
        headers: {},
        connectionId,
        search: '',
      })[0]!.connectionId;
    };
    for (const account of [undefined, null, 'acct_1']) expect(at('acct_1', account)).toBe('acct_1');
    for (const account of ['acct_2', 'tenant', 'default'])
      expect(() => at('acct_1', account)).toThrow('an event of another account than its URL');
    for (const account of [undefined, 'acct_2', 'default']) expect(at('tenant', account)).toBe('tenant');
    for (const url of ['default', 'connect']) expect(at(url, 'acct_2')).toBe('acct_2');
    for (const url of ['default', 'connect', 'acct_1', 'tenant'])
      expect(() => at(url, { id: 'acct_1' })).toThrow('an event with an account that is no id');
  });

  it.each([
    ['customer.deleted', true],
    ['customer.subscription.deleted', true],
    ['account.external_account.deleted', true],
    ['customer.updated', false],
    ['invoice.voided', false],
  ])('%s: deletion is %p', (type, deletion) => {
    expect(parse(event(type, { id: 'x_1', object: 'customer' })).deletion).toBe(deletion);
  });

  it.each([undefined, null, 'yesterday', 1e300])('has no time where created is %p', (created) => {
    expect(
      parse(event('invoice.paid', { id: 'in_1', object: 'invoice' }, { created })).occurredAt,
    ).toBeNull();
  });

  it('keeps its text, but for a byte order mark', () => {
    const text = JSON.stringify(
      event('coupon.created', { id: '50% off/Zoë', object: 'coupon', name: 'a\u0000b' }),
    );
    expect(parse(Buffer.from(`\ufeff${text}`))).toMatchObject({ recordId: '50% off/Zoë', payload: text });
  });
});

describe('the record of an event', () => {
  it.each([
    ['a tax id of a customer', { object: 'tax_id', id: 'txi_1', customer: 'cus_1' }, 'cus_1/txi_1'],
    ['a tax id of the account itself', { object: 'tax_id', id: 'txi_1', customer: null }, 'txi_1'],
    ['an expanded parent', { object: 'tax_id', id: 'txi_1', customer: { id: 'cus_1' } }, 'cus_1/txi_1'],
    ['a bank account of a customer', { object: 'bank_account', id: 'ba_1', customer: 'cus_1' }, 'cus_1/ba_1'],
    [
      'a bank account of an account',
      { object: 'bank_account', id: 'ba_1', account: 'acct_1' },
      'acct_1/ba_1',
    ],
    [
      'a card of a customer',
      { object: 'card', id: 'card_1', customer: 'cus_1', account: null },
      'cus_1/card_1',
    ],
    ['a card of nobody', { object: 'card', id: 'card_1', customer: null }, null],
    [
      'a capability',
      { object: 'capability', id: 'card_payments', account: 'acct_1' },
      'acct_1/card_payments',
    ],
    ['a person', { object: 'person', id: 'person_1', account: 'acct_1' }, 'acct_1/person_1'],
    ['a refund of a fee', { object: 'fee_refund', id: 'fr_1', fee: 'fee_1' }, 'fee_1/fr_1'],
    ['a reversal', { object: 'transfer_reversal', id: 'trr_1', transfer: 'tr_1' }, 'tr_1/trr_1'],
    [
      'a cash transaction',
      { object: 'customer_cash_balance_transaction', id: 'ccsbtxn_1', customer: 'cus_1' },
      'cus_1/ccsbtxn_1',
    ],
    ['a cash balance', { object: 'cash_balance', customer: 'cus_1' }, 'cus_1'],
    ['the balance', { object: 'balance', available: [] }, 'balance'],
    ['the tax settings', { object: 'tax.settings' }, 'tax.settings'],
    ['an upcoming invoice', { object: 'invoice', customer: 'cus_1' }, null],
    ['a previewed invoice', { object: 'invoice', id: 'upcoming_in_1' }, null],
    [
      'an entitlement summary',
      { object: 'entitlements.active_entitlement_summary', customer: 'cus_1' },
      null,
    ],
    ['a discount', { object: 'discount', id: 'di_1', customer: 'cus_1' }, 'di_1'],
    ['an empty id', { object: 'discount', id: '' }, null],
    ['a kind from the future', { object: 'hologram', id: 'holo_1' }, 'holo_1'],
    ['a kind named like a property of objects', { object: 'constructor', id: 'x_1' }, 'x_1'],
  ])('%s', (_case, object, recordId) => {
    expect(parse(event('some.thing', object))).toMatchObject({ resource: object.object, recordId });
  });
});

describe('a thin event', () => {
  it('is read', () => {
    const body = thin({ id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' });
    expect(parse(body, 'eu')).toEqual({
      eventId: 'evt_2',
      type: 'v1.billing.meter.error_report_triggered',
      connectionId: 'eu',
      resource: 'billing.meter',
      recordId: 'mtr_1',
      occurredAt: new Date('2026-11-23T12:00:00.250Z'),
      deletion: false,
      payload: JSON.stringify(body),
    });
  });

  it.each([
    [
      'a nested record',
      { id: 'txi_1', type: 'tax_id', url: '/v1/customers/cus_1/tax_ids/txi_1' },
      'cus_1/txi_1',
    ],
    ['an escaped id', { id: 'a/b', type: 'coupon', url: '/v1/coupons/a%2Fb' }, 'a/b'],
    ['an escape that is none', { id: '50%', type: 'coupon', url: '/v1/coupons/50%' }, '50%'],
    ['one of a kind', { id: null, type: 'balance', url: '/v1/balance' }, 'balance'],
    ['a kind from the future', { id: 'holo_1', type: 'hologram', url: '/v1/holograms/holo_1' }, 'holo_1'],
    [
      'an object of the v2 API',
      { id: 'acct_1', type: 'v2.core.account', url: '/v2/core/accounts/acct_1' },
      null,
    ],
    ['a path that is a host', { id: 'mtr_1', type: 'billing.meter', url: '//evil.example/v1/x' }, null],
    ['no path', { id: 'mtr_1', type: 'billing.meter' }, null],
  ])('about %s', (_case, related, recordId) => {
    expect(parse(thin(related))).toMatchObject({ resource: related.type, recordId });
  });

  it('may be about nothing', () => {
    expect(parse(thin(null))).toMatchObject({ resource: 'v2.core.event', recordId: null });
  });

  it('is of the last account in its context', () => {
    expect(parse(thin(null, { context: 'acct_1' })).connectionId).toBe('acct_1');
    expect(parse(thin(null, { context: 'acct_platform/acct_1' })).connectionId).toBe('acct_1');
  });
});

describe('anything else', () => {
  const good = event('invoice.paid', { id: 'in_1', object: 'invoice' });
  it.each([
    ['nothing', '', 'not JSON'],
    ['half of it', JSON.stringify(good).slice(0, -9), 'not JSON'],
    ['null', 'null', 'not an event'],
    ['a list', [good], 'not an event'],
    ['text', '"evt_1"', 'not an event'],
    ['another object', { ...good, object: 'invoice' }, 'not an event'],
    ["a cloud's envelope", { detail: good }, 'not an event'],
    ['no id', { ...good, id: undefined }, 'an event without an id'],
    ['an id that is a number', { ...good, id: 7 }, 'an event without an id'],
    ['no type', { ...good, type: '' }, 'an event without a type'],
    ['no data', { ...good, data: null }, 'an event without data.object'],
    ['no data.object', { ...good, data: { object: [] } }, 'an event without data.object'],
    ['a data.object of no kind', event('x', { id: 'in_1' }), 'an event whose data.object is of no kind'],
    [
      'an account that is no id',
      { ...good, account: { id: 'acct_1' } },
      'an event with an account that is no id',
    ],
  ])('is refused: %s', (_case, body, reason) => {
    expect(() => parse(body)).toThrow(MalformedDeliveryError);
    expect(() => parse(body)).toThrow(reason);
  });

  it('is refused: bytes that are no UTF-8', () => {
    const body = Buffer.from(JSON.stringify(good));
    body[body.indexOf('in_1')] = 0xff;
    expect(() => parse(body)).toThrow('not UTF-8');
  });

  it('crashes nothing: 2 MB of brackets, alone or within an event', () => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
    expect(() => parse(deep)).toThrow(MalformedDeliveryError);
    const within = JSON.stringify(good).replace('"object":"invoice"', `"object":"invoice","deep":${deep}`);
    expect(outcomeOf(Buffer.from(within))).not.toBe('threw something else');
    const ids = '{"id":'.repeat(300_000) + '"x"' + '}'.repeat(300_000);
    const nested = JSON.stringify(good).replace('"id":"in_1"', `"id":${ids}`);
    expect(outcomeOf(Buffer.from(nested))).not.toBe('threw something else');
  });

  it('crashes nothing: any bytes, any JSON, any event with something wrong in it', () => {
    const json = fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text));
    const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
    const broken = fc
      .tuple(
        fc.constantFrom('id', 'type', 'account', 'created', 'data', 'object'),
        fc.jsonValue({ maxDepth: 3 }),
      )
      .map(([key, value]) => Buffer.from(JSON.stringify({ ...good, [key]: value })));
    fc.assert(
      fc.property(fc.oneof(json, bytes, broken), (body) => {
        expect(outcomeOf(body)).not.toBe('threw something else');
      }),
      { numRuns: 500 },
    );
  });

  function outcomeOf(body: Buffer): string {
    try {
      connector.parse({ body, headers: {}, connectionId: 'default', search: '' });
      return 'parsed';
    } catch (error) {
      return error instanceof MalformedDeliveryError ? 'malformed' : 'threw something else';
    }
  }
});
