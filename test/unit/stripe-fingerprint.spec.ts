import fc from 'fast-check';
import { stripe } from 'nestjs-hybrid-sync/stripe';

const { connector } = stripe({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] });
const of = (data: object, resource = 'invoice') => connector.fingerprint(resource, data);

const invoice = {
  id: 'in_1',
  object: 'invoice',
  status: 'open',
  total: 1200,
  hosted_invoice_url: 'https://invoice.stripe.com/i/acct_1/test_1?s=ap',
  lines: {
    object: 'list',
    data: [{ id: 'il_1', amount: 1200 }],
    has_more: false,
    url: '/v1/invoices/in_1/lines',
  },
  metadata: { order: '7' },
};

describe('a fingerprint', () => {
  it('is 64 hex digits of revision 1', () => {
    expect(connector.fingerprintRevision).toBe(1);
    // Changed on purpose? Raise FINGERPRINT_REVISION: stored fingerprints are of the old meaning.
    expect(of(invoice)).toBe('15ebc72f73f6f57da6599581fedd1d9af2c5748496d9ec1d30736ccb842be097');
  });

  it('tells one content from another', () => {
    for (const change of [
      { status: 'paid' },
      { total: 1201 },
      { total: '1200' },
      { metadata: {} },
      { lines: { ...invoice.lines, data: [] } },
      { added: false },
      { added: '' },
      { added: [] },
    ]) {
      expect(of({ ...invoice, ...change })).not.toBe(of(invoice));
    }
  });

  it('keeps apart what runs together as text', () => {
    expect(of({ a: ['b', 'c'] })).not.toBe(of({ a: ['b,c'] }));
    expect(of({ a: '1', b: '2' })).not.toBe(of({ a: '1","b":"2' }));
    expect(of({ a: [[1], 2] })).not.toBe(of({ a: [1, [2]] }));
  });

  it('does not depend on the order of keys, at any depth', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        expect(of(reversed(data) as object)).toBe(of(data));
      }),
    );
  });

  it('is the same for a field that is null and one that Stripe does not send yet', () => {
    expect(of({ ...invoice, new_in_2027: null })).toBe(of(invoice));
    expect(of({ a: [null] })).not.toBe(of({ a: [] }));
  });

  it.each([
    ['invoice', { hosted_invoice_url: 'https://invoice.stripe.com/i/other', invoice_pdf: 'https://x' }],
    ['charge', { receipt_url: 'https://pay.stripe.com/receipts/other' }],
    [
      'payment_intent',
      { next_action: { oxxo_display_details: { hosted_voucher_url: 'https://x', number: '1' } } },
    ],
    ['credit_note', { pdf: 'https://x' }],
    ['checkout.session', { url: 'https://checkout.stripe.com/x' }],
    ['identity.verification_session', { url: 'https://x', client_secret: 'vs_1_secret' }],
    ['terminal.reader', { last_seen_at: 1_763_900_000_123 }],
  ])('of a %s does not depend on what Stripe makes anew at every read', (resource, links) => {
    const before = JSON.parse(JSON.stringify(links), (_key, value) =>
      typeof value === 'object' || value === '1' ? value : 0,
    );
    expect(of({ id: 'x_1', ...links }, resource)).toBe(of({ id: 'x_1', ...before }, resource));
  });

  it('sees a link in an expanded record as volatile, and a name that means something elsewhere as content', () => {
    const charge = (receipt_url: string) => ({ id: 'pi_1', latest_charge: { id: 'ch_1', receipt_url } });
    expect(of(charge('a'), 'payment_intent')).toBe(of(charge('b'), 'payment_intent'));
    expect(of({ url: 'a' }, 'webhook_endpoint')).not.toBe(of({ url: 'b' }, 'webhook_endpoint'));
    expect(of({ rendering: { pdf: 'a' } }, 'credit_note')).not.toBe(
      of({ rendering: { pdf: 'b' } }, 'credit_note'),
    );
  });

  it("takes the host's metadata whole", () => {
    expect(of({ metadata: { receipt_url: 'a' } })).not.toBe(of({ metadata: { receipt_url: 'b' } }));
  });

  it('stands resources that are named like properties of objects', () => {
    expect(of({ id: 'x' }, 'constructor')).toMatch(/^[0-9a-f]{64}$/);
    expect(of({ id: 'x' }, '__proto__')).toMatch(/^[0-9a-f]{64}$/);
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
