import { jest } from '@jest/globals';
import { stripe, type StripeOptions } from 'nestjs-hybrid-sync/stripe';
import type { Fetched } from '../../lib/model/connector.js';
import { ProviderError } from '../../lib/sync.errors.js';
import { StripeApi, type Answer } from './stripe-api.js';

const api = new StripeApi();
beforeAll(() => api.start());
afterAll(() => api.stop());
beforeEach(() => {
  api.answers = {};
  api.asked.length = 0;
});

const PLATFORM_KEY = 'sk_test_platform_hush';

function fetchRecord(
  resource: string,
  id: string,
  {
    options = {},
    connectionId = 'default',
    signal = new AbortController().signal,
    timeoutMs = 2_000,
  }: {
    options?: Partial<StripeOptions>;
    connectionId?: string;
    signal?: AbortSignal;
    timeoutMs?: number;
  } = {},
): Promise<Fetched> {
  const { connector } = stripe({
    apiKey: PLATFORM_KEY,
    webhookSecrets: ['whsec_1'],
    ...api.address,
    ...options,
  });
  return connector.fetch(
    { source: 'stripe', connectionId, resource, id },
    { signal, timeoutMs, nowMs: Date.now() },
  );
}

async function failure(fetching: Promise<Fetched>): Promise<ProviderError> {
  const error = await fetching.then(
    () => new Error('it was fetched'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProviderError);
  expect((error as Error).message).not.toContain('hush');
  return error as ProviderError;
}

const customer = { id: 'cus_1', object: 'customer', email: 'zoe@example.com' };

describe('a record', () => {
  it('is the JSON that Stripe sent, and nothing beside it', async () => {
    const price = { id: 'price_1', object: 'price', unit_amount_decimal: '0.5', tiers: null };
    api.answers['/v1/prices/price_1'] = { json: price };
    const fetched = await fetchRecord('price', 'price_1');
    expect(fetched).toEqual({ found: true, data: price });
    // Decimals stay the text that a stored body gives back, and the response is not kept with the record.
    expect(Object.getOwnPropertyNames((fetched as { data: object }).data)).toEqual(Object.keys(price));
  });

  it('is asked for with the key and the version that the options say', async () => {
    api.answers['/v1/customers/cus_1'] = { json: customer };
    await fetchRecord('customer', 'cus_1', { options: { apiVersion: '2024-06-20' } });
    await fetchRecord('customer', 'cus_1');
    const [older, newer] = api.asked.map(({ headers }) => headers);
    expect(older).toMatchObject({ authorization: `Bearer ${PLATFORM_KEY}`, 'stripe-version': '2024-06-20' });
    expect(older).not.toHaveProperty('stripe-account');
    expect(newer!['stripe-version']).not.toBe('2024-06-20');
  });

  it('is asked for without telemetry, and by one client however often', async () => {
    api.answers['/v1/customers/cus_1'] = { json: customer };
    const { connector } = stripe({ apiKey: PLATFORM_KEY, webhookSecrets: ['whsec_1'], ...api.address });
    const key = { source: 'stripe', connectionId: 'default', resource: 'customer', id: 'cus_1' };
    const options = { signal: new AbortController().signal, timeoutMs: 2_000, nowMs: Date.now() };
    for (let i = 0; i < 3; i++) await connector.fetch(key, options);
    expect(api.asked).toHaveLength(3);
    // The SDK sends it from a client's second request on.
    for (const { headers } of api.asked) expect(headers).not.toHaveProperty('x-stripe-client-telemetry');
  });

  it.each([
    ['tax_id', 'cus_1/txi_1', '/v1/customers/cus_1/tax_ids/txi_1', 'txi_1'],
    ['tax_id', 'txi_1', '/v1/tax_ids/txi_1', 'txi_1'],
    ['bank_account', 'acct_1/ba_1', '/v1/accounts/acct_1/external_accounts/ba_1', 'ba_1'],
    ['bank_account', 'cus_1/ba_1', '/v1/customers/cus_1/sources/ba_1', 'ba_1'],
    ['coupon', '50% off/Zoë', '/v1/coupons/50%25%20off%2FZo%C3%AB', '50% off/Zoë'],
    ['coupon', 'a$&b', '/v1/coupons/a%24%26b', 'a$&b'],
    ['cash_balance', 'cus_1', '/v1/customers/cus_1/cash_balance', undefined],
    ['balance', 'balance', '/v1/balance', undefined],
  ])('%s %s is read at %s', async (resource, recordId, path, id) => {
    const data = { id, object: resource };
    api.answers[path] = { json: data };
    expect(await fetchRecord(resource, recordId)).toEqual({ found: true, data });
  });

  it.each([
    ['discount', 'di_1'],
    ['hologram', 'holo_1'],
    ['constructor', 'x_1'],
    ['customer', ''],
    ['customer', '..'],
    ['customer', '\ud800'],
    ['person', 'person_1'],
    ['person', 'cus_1/person_1'],
    ['bank_account', 'ba_1'],
    ['balance', 'bal_1'],
  ])('%s %j cannot be read: nothing is asked', async (resource, id) => {
    expect((await failure(fetchRecord(resource, id))).failure).toBe('rejected');
    expect(api.asked).toEqual([]);
  });
});

describe('a connection', () => {
  const options = {
    connections: { acct_own: { apiKey: 'sk_own_hush' }, acct_listed: {}, eu: { apiKey: 'sk_eu_hush' } },
  };

  it.each([
    ['default', PLATFORM_KEY, undefined],
    ['acct_own', 'sk_own_hush', undefined],
    ['eu', 'sk_eu_hush', undefined],
    ['acct_listed', PLATFORM_KEY, 'acct_listed'],
    ['acct_unlisted', PLATFORM_KEY, 'acct_unlisted'],
    ['constructor', PLATFORM_KEY, 'constructor'],
  ])('%s is read with %s, for %s', async (connectionId, key, account) => {
    api.answers['/v1/customers/cus_1'] = { json: customer };
    await fetchRecord('customer', 'cus_1', { connectionId, options });
    const { headers } = api.asked[0]!;
    expect(headers.authorization).toBe(`Bearer ${key}`);
    expect(headers['stripe-account']).toBe(account);
  });

  it('with a copy of the key: an account is still read as itself, another name as the platform', async () => {
    const apiKey = PLATFORM_KEY;
    api.answers['/v1/customers/cus_1'] = { json: customer };
    await fetchRecord('customer', 'cus_1', {
      connectionId: 'acct_1',
      options: { connections: { acct_1: { apiKey } } },
    });
    await fetchRecord('customer', 'cus_1', {
      connectionId: 'thin',
      options: { connections: { thin: { apiKey } } },
    });
    expect(api.asked.map(({ headers }) => headers['stripe-account'])).toEqual(['acct_1', undefined]);
  });

  it('reads accounts, and what hangs below them, as the platform', async () => {
    api.answers['/v1/accounts/acct_1/persons/person_1'] = { json: { id: 'person_1', object: 'person' } };
    await fetchRecord('person', 'acct_1/person_1', { connectionId: 'acct_1' });
    expect(api.asked[0]!.headers).not.toHaveProperty('stripe-account');
  });

  it('without any key asks nothing', async () => {
    const error = await failure(fetchRecord('customer', 'cus_1', { options: { apiKey: undefined } }));
    expect(error.failure).toBe('unauthorized');
    expect(api.asked).toEqual([]);
  });
});

describe('a record that is not there', () => {
  it('is not found', async () => {
    expect(await fetchRecord('customer', 'cus_1')).toEqual({ found: false, stated: false });
  });

  it('is not found where the error has no code', async () => {
    api.answers['/v1/customers/cus_1'] = { status: 404, json: { error: { message: 'No such customer' } } };
    expect(await fetchRecord('customer', 'cus_1')).toEqual({ found: false, stated: false });
  });

  it('is deleted where Stripe says so', async () => {
    api.answers['/v1/customers/cus_1'] = { json: { id: 'cus_1', object: 'customer', deleted: true } };
    expect(await fetchRecord('customer', 'cus_1')).toEqual({ found: false, stated: true });
  });

  it('is neither where the path is unknown, or a gateway answers: no false delete', async () => {
    const message = 'Unrecognized request URL (GET: /v1/customers/cus_1). Please see https://stripe.com/docs';
    api.answers['/v1/customers/cus_1'] = {
      status: 404,
      json: { error: { message, type: 'invalid_request_error' } },
    };
    expect((await failure(fetchRecord('customer', 'cus_1'))).failure).toBe('rejected');
    for (const text of ['<html>404</html>', '{"message":"no route"}', '']) {
      api.answers['/v1/customers/cus_1'] = { status: 404, text };
      expect((await failure(fetchRecord('customer', 'cus_1'))).failure).toBe('unavailable');
    }
  });
});

describe('an answer without the record', () => {
  const error = (status: number, more: object = {}, headers: Record<string, string> = {}): Answer => {
    return {
      status,
      headers,
      json: { error: { message: 'sk_test_***hush cus_hush', type: 'api_error', ...more } },
    };
  };

  it.each<[string, Answer, string, string]>([
    [
      '429',
      error(429, {}, { 'stripe-rate-limited-reason': 'endpoint-rate' }),
      'rate-limited',
      '429, endpoint-rate, req_1',
    ],
    ['429 for a lock', error(429, { code: 'lock_timeout' }), 'rate-limited', '429, lock_timeout'],
    ['400 that is a rate limit', error(400, { code: 'rate_limit' }), 'rate-limited', '400, rate_limit'],
    ['429 of a gateway', { status: 429, text: 'slow down' }, 'rate-limited', '429'],
    ['401', error(401), 'unauthorized', '401'],
    ['403', error(403, { code: 'account_invalid' }), 'unauthorized', '403, account_invalid'],
    ['403 of a gateway', { status: 403, text: '<html>' }, 'unauthorized', '403'],
    ['400', error(400, { code: 'parameter_invalid_empty' }), 'rejected', '400, parameter_invalid_empty'],
    ['402', error(402), 'rejected', '402'],
    ['409', error(409), 'unavailable', '409'],
    ['500', error(500), 'unavailable', '500'],
    ['503', error(503), 'unavailable', '503'],
    ['500 without an error in it', { status: 500, json: { ...customer } }, 'unavailable', '500'],
    ['500 with nothing in it', { status: 500, json: {} }, 'unavailable', '500'],
    ['502 that is HTML', { status: 502, text: '<html>Bad gateway</html>' }, 'unavailable', '502'],
    ['301', { status: 301, headers: { location: '/' }, text: '' }, 'unavailable', '301'],
    ['200 that is HTML', { text: '<html>Sign in</html>' }, 'unavailable', '200 without the record'],
    ['200 that is text in JSON', { text: '"ok"' }, 'unavailable', '200 without the record'],
    ['200 that is null', { text: 'null' }, 'unavailable', '200 without the record'],
    ['200 that is a number', { text: '7' }, 'unavailable', '200 without the record'],
    ['200 that is a list', { text: '[]' }, 'unavailable', '200 without the record'],
    ['200 with an error', { json: { error: { message: 'hush' } } }, 'unavailable', '200 without the record'],
    [
      '200 with another object',
      { json: { object: 'list', data: [] } },
      'unavailable',
      '200 without the record',
    ],
    [
      "200 with another's id",
      { json: { ...customer, id: 'cus_2' } },
      'unavailable',
      '200 without the record',
    ],
    [
      "200 with another's deletion",
      { json: { id: 'cus_2', object: 'customer', deleted: true } },
      'unavailable',
      '200',
    ],
  ])('%s', async (_case, answer, kind, message) => {
    api.answers['/v1/customers/cus_1'] = answer;
    const thrown = await failure(fetchRecord('customer', 'cus_1'));
    expect(thrown.failure).toBe(kind);
    expect(thrown.message).toContain(`Stripe: ${message}`);
    expect(thrown.message).toContain('GET /v1/customers/{id}');
    expect(api.asked).toHaveLength(1);
  });

  it('tells how long to wait where it says so', async () => {
    const wait = async (value: string) => {
      api.answers['/v1/customers/cus_1'] = error(429, {}, { 'retry-after': value });
      return (await failure(fetchRecord('customer', 'cus_1'))).retryAfterMs;
    };
    expect(await wait('7')).toBe(7_000);
    expect(await wait('soon')).toBeUndefined();
    expect(await wait('-1')).toBeUndefined();
  });
});

describe('no answer', () => {
  it('in time', async () => {
    api.answers['/v1/customers/cus_1'] = () => undefined;
    const thrown = await failure(fetchRecord('customer', 'cus_1', { timeoutMs: 30 }));
    expect(thrown).toMatchObject({
      failure: 'unavailable',
      message: 'Stripe: no answer (GET /v1/customers/{id})',
    });
  });

  it('in time, but for a byte now and then', async () => {
    api.answers['/v1/customers/cus_1'] = (response) => {
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    };
    expect((await failure(fetchRecord('customer', 'cus_1', { timeoutMs: 60 }))).failure).toBe('unavailable');
  });

  it('because the connection broke in the middle', async () => {
    api.answers['/v1/customers/cus_1'] = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"id":');
      setImmediate(() => response.destroy());
    };
    expect((await failure(fetchRecord('customer', 'cus_1'))).failure).toBe('unavailable');
  });

  it('because nobody listens', async () => {
    const options = { port: 1 };
    expect((await failure(fetchRecord('customer', 'cus_1', { options }))).failure).toBe('unavailable');
  });

  it('because the signal was aborted, before or while it was awaited; what comes later harms nobody', async () => {
    expect(
      (await failure(fetchRecord('customer', 'cus_1', { signal: AbortSignal.abort() }))).message,
    ).toContain('aborted');
    expect(api.asked).toEqual([]);

    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const controller = new AbortController();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    api.answers['/v1/customers/cus_1'] = (response) => {
      response.on('close', finish);
      controller.abort();
      setImmediate(() => response.destroy());
    };
    const thrown = await failure(fetchRecord('customer', 'cus_1', { signal: controller.signal }));
    expect(thrown).toMatchObject({ failure: 'unavailable', message: expect.stringContaining('aborted') });
    await finished;
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('a list that Stripe cut off', () => {
  const rows = (from: number, to: number, more: object = {}) =>
    Array.from({ length: to - from }, (_, i) => ({ id: `il_${from + i}`, object: 'line_item', ...more }));
  const list = (url: string, data: object[], has_more: boolean) => ({ object: 'list', data, has_more, url });
  const LINES = '/v1/invoices/in_1/lines';
  const after = (id: string, url = LINES) =>
    `${url}${url.includes('?') ? '&' : '?'}limit=100&starting_after=${id}`;

  function invoiceWith(lines: object) {
    api.answers['/v1/invoices/in_1'] = { json: { id: 'in_1', object: 'invoice', lines } };
  }

  it('is completed, in order, for the same account', async () => {
    invoiceWith(list(LINES, rows(0, 10), true));
    api.answers[after('il_9')] = { json: list(LINES, rows(10, 110), true) };
    api.answers[after('il_109')] = { json: list(LINES, rows(110, 150), false) };
    expect(await fetchRecord('invoice', 'in_1', { connectionId: 'acct_1' })).toEqual({
      found: true,
      data: { id: 'in_1', object: 'invoice', lines: list(LINES, rows(0, 150), false) },
    });
    expect(api.asked.map(({ headers }) => headers['stripe-account'])).toEqual(['acct_1', 'acct_1', 'acct_1']);
  });

  it("is completed at any depth, with its own query, and in another list's further rows", async () => {
    const url = '/v1/subscription_items?subscription=sub_1';
    const subscription = { id: 'sub_1', object: 'subscription', items: list(url, [{ id: 'si_0' }], true) };
    const customers = {
      id: 'cus_1',
      object: 'customer',
      subscriptions: list('/v1/x', [{ id: 'sub_0' }], true),
    };
    api.answers['/v1/customers/cus_1'] = { json: customers };
    api.answers[after('sub_0', '/v1/x')] = { json: list('/v1/x', [subscription], false) };
    api.answers[after('si_0', url)] = { json: list(url, [{ id: 'si_1' }], false) };
    expect(await fetchRecord('customer', 'cus_1')).toMatchObject({
      data: {
        subscriptions: { data: [{ id: 'sub_0' }, { items: { data: [{ id: 'si_0' }, { id: 'si_1' }] } }] },
      },
    });
  });

  it.each([
    ['rows without an id', list(LINES, [{ object: 'line_item' }], true)],
    ['no rows', list(LINES, [], true)],
    ['a URL with a host', list('https://evil.example/v1/lines', rows(0, 1), true)],
    ['a URL of another host', list('//evil.example/v1/lines', rows(0, 1), true)],
    ['a search result', { ...list(LINES, rows(0, 1), true), object: 'search_result' }],
  ])('stays as it is, and says so: %s', async (_case, lines) => {
    invoiceWith(lines);
    expect(await fetchRecord('invoice', 'in_1')).toMatchObject({ data: { lines } });
    expect(api.asked).toHaveLength(1);
  });

  it('ends where a page has no more rows', async () => {
    invoiceWith(list(LINES, rows(0, 1), true));
    api.answers[after('il_0')] = { json: list(LINES, [], true) };
    expect(await fetchRecord('invoice', 'in_1')).toMatchObject({ data: { lines: { has_more: true } } });
    expect(api.asked).toHaveLength(2);
  });

  it('costs at most 100 pages', async () => {
    invoiceWith(list(LINES, rows(0, 1), true));
    for (let i = 0; i < 100; i++)
      api.answers[after(`il_${i}`)] = { json: list(LINES, rows(i + 1, i + 2), true) };
    const fetched = (await fetchRecord('invoice', 'in_1')) as {
      data: { lines: { data: object[]; has_more: boolean } };
    };
    expect(fetched.data.lines.data).toHaveLength(101);
    expect(fetched.data.lines.has_more).toBe(true);
    // The SDK sends a request again whose connection broke: that is no page more. Nor is what a client of a neighbour asks,
    // whose port this was before.
    const pages = api.asked.map(({ path }) => path).filter((path) => path.startsWith('/v1/invoices/in_1'));
    expect(new Set(pages).size).toBe(101);
  });

  it.each<[string, Answer, string]>([
    [
      'the row to go on from is gone',
      { status: 400, json: { error: { code: 'resource_missing' } } },
      'unavailable',
    ],
    ['the record is gone', { status: 404, json: { error: { code: 'resource_missing' } } }, 'unavailable'],
    ['a rate limit', { status: 429, json: { error: {} } }, 'rate-limited'],
    ['no list', { json: { object: 'invoice' } }, 'unavailable'],
    ['a list without rows', { json: { object: 'list' } }, 'unavailable'],
  ])('fails the fetch, and deletes nothing: %s', async (_case, answer, kind) => {
    invoiceWith(list(LINES, rows(0, 1), true));
    api.answers[after('il_0')] = answer;
    const thrown = await failure(fetchRecord('invoice', 'in_1'));
    expect(thrown.failure).toBe(kind);
    expect(thrown.message).toContain('GET /v1/invoices/{id}, a list in it');
  });
});
