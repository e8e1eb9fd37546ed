import { Agent } from 'node:http';
import { stripe, type StripeOptions } from 'nestjs-hybrid-sync/stripe';
import { StripeConnector } from '../../lib/connectors/stripe/stripe.connector.js';
import { loadStripe } from '../../lib/connectors/stripe/stripe.package.js';
import { SyncConfigError } from '../../lib/sync.errors.js';

const good: StripeOptions = { apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] };

/** `any`: what an unset environment or a JavaScript host leaves in the options. */
function problems(options: Record<string, any>) {
  return stripe({ ...good, ...options }).connector.problems();
}

describe('stripe()', () => {
  it('makes a source of a connector and its policies, and keeps no key in it', () => {
    const backoffMs = () => 1;
    const source = stripe({
      ...good,
      host: 'localhost',
      httpAgent: new Agent(),
      start: 'log',
      callsPerSecond: 5,
      backoffMs,
    });
    expect(Object.keys(source).sort()).toEqual(['backoffMs', 'callsPerSecond', 'connector', 'start']);
    expect(source).toMatchObject({ start: 'log', callsPerSecond: 5, backoffMs });
    expect(source.connector).toMatchObject({ provider: 'stripe', connections: [] });
  });

  it('tells which connections a URL may name', () => {
    const { connector } = stripe({ ...good, connections: { acct_1: {}, eu: { apiKey: 'sk_test_2' } } });
    expect(connector.connections).toEqual(['acct_1', 'eu']);
  });

  it('leaves what it does not know to its source, and tells what it does know', () => {
    const source = stripe({ ...good, webhookSecret: 'whsec_1' } as never);
    expect(Object.keys(source).sort()).toEqual(['connector', 'webhookSecret']);
    expect(source.connector.optionNames).toEqual(expect.arrayContaining(Object.keys(good)));
  });

  it('never throws, whatever is missing', () => {
    for (const options of [
      undefined,
      null,
      'sk_test_1',
      {},
      { apiKey: undefined, webhookSecrets: [undefined] },
      { connections: { eu: undefined } },
    ]) {
      expect(() => stripe(options as never).connector.problems()).not.toThrow();
    }
  });
});

describe('the problems of the options', () => {
  it('are none', () => {
    expect(problems({})).toEqual([]);
    expect(
      problems({
        apiKey: 'rk_live_1',
        webhookSecrets: ['whsec_1', undefined],
        connections: { acct_1: {}, acct_2: { webhookSecrets: ['whsec_2'] }, eu: { apiKey: 'sk_live_2' } },
        toleranceSeconds: 60,
        host: '127.0.0.1',
        apiVersion: '2025-03-31.basil',
        port: '443',
        protocol: 'https',
      }),
    ).toEqual([]);
  });

  it.each([
    ['SYNC_MISSING_API_KEY', 'apiKey is missing', { apiKey: undefined }],
    ['SYNC_MISSING_API_KEY', 'apiKey is missing', { apiKey: ' \n' }],
    ['SYNC_INVALID_OPTION', 'apiKey contains white space', { apiKey: 'sk_test_1\n' }],
    ['SYNC_INVALID_OPTION', 'apiKey is a signing secret or a publishable key', { apiKey: 'whsec_1' }],
    ['SYNC_INVALID_OPTION', 'apiKey is a signing secret or a publishable key', { apiKey: 'pk_live_1' }],
    ['SYNC_MISSING_SECRET', 'webhookSecrets is empty', { webhookSecrets: undefined }],
    ['SYNC_MISSING_SECRET', 'webhookSecrets is empty', { webhookSecrets: [] }],
    ['SYNC_MISSING_SECRET', 'webhookSecrets is empty', { webhookSecrets: [undefined, '', ' \t'] }],
    ['SYNC_INVALID_OPTION', 'webhookSecrets must be an array', { webhookSecrets: 'whsec_1' }],
    [
      'SYNC_INVALID_OPTION',
      'webhookSecrets has a secret with white space',
      { webhookSecrets: ['whsec_1\n'] },
    ],
    ['SYNC_INVALID_OPTION', 'webhookSecrets has an API key in it', { webhookSecrets: ['sk_test_1'] }],
    [
      'SYNC_INVALID_OPTION',
      "connections['default'] is the main account's own name",
      { connections: { default: {} } },
    ],
    [
      'SYNC_MISSING_API_KEY',
      "connections['eu'].apiKey is missing",
      { connections: { eu: { apiKey: undefined } } },
    ],
    ['SYNC_INVALID_OPTION', "connections['eu'].apiKey", { connections: { eu: { apiKey: 'pk_1' } } }],
    [
      'SYNC_MISSING_SECRET',
      "connections['acct_1'].webhookSecrets is empty",
      { connections: { acct_1: { webhookSecrets: [undefined] } } },
    ],
    ['SYNC_INVALID_OPTION', 'apiKey must be a string', { apiKey: () => 'sk_test_1' }],
    ['SYNC_INVALID_OPTION', 'connections must be an object', { connections: null }],
    ['SYNC_INVALID_OPTION', 'connections must be an object', { connections: ['acct_1'] }],
    ['SYNC_INVALID_OPTION', "connections['eu'] must be an object", { connections: { eu: 'sk_test_2' } }],
    [
      'SYNC_INVALID_OPTION',
      "connections['acct_1']: there is no such option: 'webhookSecret'. Did you mean 'webhookSecrets'?",
      { connections: { acct_1: { webhookSecret: 'whsec_2' } } },
    ],
    ['SYNC_INVALID_OPTION', 'toleranceSeconds', { toleranceSeconds: 0 }],
    ['SYNC_INVALID_OPTION', 'host must be a name', { host: 'https://api.stripe.com' }],
    ['SYNC_INVALID_OPTION', 'host must be a name', { host: 'localhost:12111' }],
    ['SYNC_INVALID_OPTION', 'httpAgent', { httpAgent: 'http://proxy' }],
    ['SYNC_INVALID_OPTION', 'apiVersion', { apiVersion: 'latest' }],
    ['SYNC_INVALID_OPTION', 'toleranceSeconds', { toleranceSeconds: NaN }],
    ['SYNC_INVALID_OPTION', 'port', { port: 'https' }],
    ['SYNC_INVALID_OPTION', 'port', { port: 65_536 }],
    ['SYNC_INVALID_OPTION', 'protocol', { protocol: 'ftp' }],
  ])('%s: %s', (code, message, options) => {
    expect(problems(options)).toEqual([{ code, message: expect.stringContaining(message) }]);
  });

  it('quote no secret', () => {
    const text = JSON.stringify(
      problems({
        apiKey: 'pk_hush',
        webhookSecrets: ['sk_hush'],
        connections: { eu: { apiKey: 'hush hush' } },
      }),
    );
    expect(text).toContain('whsec_...');
    expect(text).not.toContain('hush');
  });
});

describe('the stripe package', () => {
  it('is the SDK, however it is exported', async () => {
    expect(await loadStripe()).toHaveProperty('createNodeHttpClient');
    const sdk = () => undefined;
    expect(await loadStripe(() => sdk)).toBe(sdk);
    expect(await loadStripe(() => ({ default: sdk }))).toBe(sdk);
  });

  it.each(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])(
    'is missing (%s): the error names the command',
    async (code) => {
      const loading = loadStripe(() => Promise.reject(Object.assign(new Error('no'), { code })));
      const connector = new StripeConnector(good, loading);
      await expect(loading).rejects.toThrow('SYNC_MISSING_PACKAGE');
      await expect(loading).rejects.toThrow('npm install stripe');

      expect(() => connector.problems()).toThrow(SyncConfigError);
      const record = { source: 'stripe', connectionId: 'default', resource: 'customer', id: 'cus_1' };
      const options = { signal: new AbortController().signal, timeoutMs: 1_000, nowMs: Date.now() };
      await expect(connector.fetch(record, options)).rejects.toThrow('npm install stripe');
    },
  );

  it('is there, but broken: the error is its own', async () => {
    await expect(loadStripe(() => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  });
});
