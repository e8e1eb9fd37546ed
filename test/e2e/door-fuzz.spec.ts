import fc from 'fast-check';
import { stripe as stripeSource } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe, signedDelivery } from 'nestjs-hybrid-sync/testing';
import { Client } from 'pg';
import { MalformedDeliveryError } from '../../lib/sync.errors.js';
import { compileChildProgram, type ChildApp, type ChildProgram } from '../support/child-app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { until } from '../support/host.js';
import { hostileBody, hostileHeaders, hostileSigning, type Signing } from '../support/hostile.js';
import { WAYS_IN } from '../support/ways-in.js';
import { bytesOf, exchange, type WireAnswer } from '../support/wire.js';

/** At most so many of these, in batches that are sent at once. */
const BATCHES = 40;
const BATCH = 12;

const templates = [
  {
    id: 'evt_1',
    object: 'event',
    type: 'customer.updated',
    account: 'acct_1',
    created: 1_763_900_000,
    data: {
      object: { id: 'cus_1', object: 'customer', email: 'a@example.com', metadata: { a: 'b' } },
      previous_attributes: { email: null },
    },
    request: { id: null, idempotency_key: null },
    pending_webhooks: 1,
  },
  {
    id: 'evt_2',
    object: 'event',
    type: 'customer.tax_id.created',
    created: 1_763_900_000,
    data: { object: { id: 'txi_1', object: 'tax_id', customer: { id: 'cus_1' } } },
  },
  {
    id: 'evt_3',
    object: 'v2.core.event',
    type: 'v1.billing.meter.no_meter_found',
    created: '2026-11-23T12:00:00.250Z',
    context: 'acct_platform/acct_1',
    related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
  },
].map((event) => JSON.stringify(event));

describe.each(WAYS_IN)('the door ($adapter, $receive) before any sender', ({ adapter, receive }) => {
  let program: ChildProgram;
  let database: TestDatabase;
  let db: Client;
  let stripe: FakeStripe;
  let child: ChildApp;
  /** Events that were accepted, by what makes them one event. */
  const accepted = new Set<string>();

  beforeAll(async () => {
    program = compileChildProgram();
    database = await createDatabase();
    stripe = await FakeStripe.start();
    db = new Client({ connectionString: database.url });
    await db.connect();
    child = await program.start({ database, stripe, adapter, webhooks: { receive }, handlers: false });
  });
  afterAll(async () => {
    await program?.close();
    await stripe.close();
    await db.end();
    await database.drop();
  });

  const { connector } = stripeSource({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] });

  /** What the door must answer, and the event's identity if it is to be stored. */
  function expected(body: Buffer, { verdict }: Signing): { status: number; reason?: string; event?: string } {
    if (verdict !== 'ok') return { status: 401, reason: verdict };
    try {
      const [{ eventId, type, connectionId, resource, recordId, payload }] = connector.parse({
        body,
        headers: {},
        connectionId: 'default',
        search: '',
      }) as [ReturnType<typeof connector.parse>[0]];
      const texts = [eventId, type, connectionId, resource, recordId].map((text) => text ?? '');
      // In a table, or in its index, nobody could hold these.
      const isWhole = texts.every(
        (text) => text.length <= 255 && !/\p{Surrogate}/u.test(text) && !text.includes('\0'),
      );
      const event = isWhole
        ? [eventId ?? payload, connectionId, resource, recordId]
        : body.toString('base64');
      return { status: 200, event: JSON.stringify(event) };
    } catch (error) {
      return { status: 400, reason: (error as MalformedDeliveryError).reason };
    }
  }

  async function count(): Promise<number> {
    return (await db.query<{ n: number }>('SELECT count(*)::int AS n FROM sync_event')).rows[0]!.n;
  }

  it('gives a documented answer, and stores what it has accepted, once', async () => {
    const delivery = fc.record({
      body: hostileBody(templates),
      signing: hostileSigning(stripe.webhookSecret),
      headers: hostileHeaders,
      chunkBytes: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: BATCH / 2, maxLength: BATCH }), async (batch) => {
        const answers = await Promise.all(
          batch.map(async ({ body, signing, headers, chunkBytes }) => {
            const signatures = signing.headersFor(body).map((value) => ['Stripe-Signature', value] as const);
            const all = [...headers, ...signatures, ['Connection', 'close'] as const];
            const target = '/webhooks/stripe';
            return exchange(child.webhookUrl, bytesOf({ target, headers: all, body, chunkBytes }));
          }),
        );
        for (const [i, { body, signing }] of batch.entries()) {
          const { status, reason, event } = expected(body, signing);
          expect(answers[i]!.map(shown)).toEqual([
            { status, body: reason === undefined ? { received: true } : { error: reason } },
          ]);
          if (event !== undefined) accepted.add(event);
        }
        expect(await count()).toBe(accepted.size);
      }),
      { numRuns: BATCHES },
    );
    expect(accepted.size).toBeGreaterThan(BATCHES);
  });

  it('settles all of that, with nothing left behind', async () => {
    await until(async () => {
      const { rows } = await db.query("SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1");
      return rows.length === 0;
    });
    const { rows } = await db.query<{ state: string; reason: string }>(
      'SELECT DISTINCT state, reason FROM sync_event ORDER BY state',
    );
    expect(rows).toEqual([
      { state: 'dead', reason: 'unstorable' },
      { state: 'skipped', reason: 'no-handler' },
    ]);
  });

  it('finds nothing at any other URL or by any other method, and shows nobody its inside', async () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      'webhooks',
      'WEBHOOKS',
      'stripe',
      'acct_1',
      '%2F',
      '%00',
      '%e0%a4%a',
      '%',
      '..',
      '.',
      '?a=/b&a=c&a[b]=c&__proto__[x]=1',
      '#',
      ';a=b',
      '\u00e9',
      'x'.repeat(2_000),
      'http://a',
      '*',
    );
    const target = fc.oneof(
      fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 4 }).map((pieces) => `/webhooks/stripe${pieces.join('')}`),
    );
    const method = fc.constantFrom('POST', 'POST', 'POST', 'PUT', 'GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY');
    const before = await count();
    await fc.assert(
      fc.asyncProperty(method, target, fc.boolean(), async (method, target, isJson) => {
        const body = Buffer.from(isJson ? '{"id":"evt_1"}' : 'no JSON');
        const { headers } = signedDelivery({ payload: body, secret: 'whsec_other' });
        const all = [...Object.entries(headers), ['Connection', 'close'] as const];
        const answers = await exchange(
          child.webhookUrl,
          bytesOf({ method, target, headers: all, body: method === 'GET' ? Buffer.alloc(0) : body }),
        );
        expect(answers).toHaveLength(1);
        for (const { status, body: text } of answers) {
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
          expect(text).not.toMatch(/whsec|node_modules|\.js:\d|\bat \w+ \(/);
        }
      }),
      { numRuns: 200 },
    );
    expect(await count()).toBe(before);
  });

  it('is as well as before', async () => {
    const payload = { ...(JSON.parse(templates[0]!) as object), id: 'evt_last' };
    const { body, headers } = signedDelivery({ payload, secret: stripe.webhookSecret });
    const all = [...Object.entries(headers), ['Connection', 'close'] as const];
    const answers = await exchange(
      child.webhookUrl,
      bytesOf({ target: '/webhooks/stripe', headers: all, body }),
    );
    expect(answers.map(shown)).toEqual([{ status: 200, body: { received: true } }]);
    expect((await child.health()).warnings).toEqual([]);
  });
});

function shown({ status, body }: WireAnswer) {
  return { status, body: JSON.parse(body) as unknown };
}
