import { generateKeyPairSync } from 'node:crypto';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { SalesforceClient } from '../../lib/connectors/salesforce/salesforce.client.js';
import type { SalesforceLogin } from '../../lib/connectors/salesforce/salesforce.options.js';
import { loadJsforce } from '../../lib/connectors/salesforce/salesforce.package.js';
import { SalesforceSession } from '../../lib/connectors/salesforce/salesforce.session.js';
import { ProviderError, SyncConfigError } from '../../lib/sync.errors.js';

describe('a session at an org', () => {
  let org: FakeSalesforce;
  let time = Date.now();
  const options = () => ({ signal: new AbortController().signal, timeoutMs: 5_000, nowMs: time });
  beforeEach(async () => (org = await FakeSalesforce.start()));
  afterEach(() => org.close());

  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const app = { clientId: 'client_fake', clientSecret: 'secret_fake' };
  const username = 'integration@example.com';
  const flows: Record<string, (url: string) => SalesforceLogin> = {
    'client credentials': (loginUrl) => ({ flow: 'client-credentials', ...app, loginUrl }),
    'a signed JWT': (loginUrl) => ({ flow: 'jwt', clientId: app.clientId, username, privateKey, loginUrl }),
    'a refresh token': (loginUrl) => ({
      flow: 'refresh-token',
      ...app,
      refreshToken: 'refresh_fake',
      loginUrl,
    }),
    'a password': (loginUrl) => ({ flow: 'password', ...app, username, password: 'password', loginUrl }),
  };

  const clientOf = (login: SalesforceLogin) =>
    new SalesforceClient(new SalesforceSession(login, '62.0', loadJsforce()), 'test');
  const ask = (client: SalesforceClient) =>
    client.query('SELECT Id FROM User', false, 'query User', options());
  const failureOf = (client: SalesforceClient): Promise<ProviderError> =>
    ask(client).then(
      () => Promise.reject(new Error('it was answered')),
      (error: ProviderError) => error,
    );
  const logins = () => org.requests.count({ path: '/services/oauth2/token' });

  it.each(Object.entries(flows))('is opened by %s, and again when it is over', async (_, flow) => {
    org.trustKey(publicKey);
    const client = clientOf(flow(org.url));
    expect((await ask(client)).records).toHaveLength(1);
    org.expireSessions();
    await Promise.all([ask(client), ask(client), ask(client)]);
    expect(logins()).toBe(2);
    expect(client.usage).toMatchObject({ used: 4, limit: 100_000 });
  });

  it('may be brought along, and is then what it is', async () => {
    const { accessToken, url: instanceUrl } = org;
    const client = clientOf({ flow: 'token', accessToken, instanceUrl });
    expect((await ask(client)).records).toHaveLength(1);
    org.expireSessions();
    await expect(ask(client)).rejects.toMatchObject({ failure: 'unauthorized' });
    expect(logins()).toBe(0);
  });

  it('is tried for three times, then once a minute, and says why', async () => {
    const client = clientOf({ flow: 'password', ...app, username, password: 'wrong', loginUrl: org.url });
    for (let i = 0; i < 10; i++) {
      const failed = await failureOf(client);
      expect(failed).toBeInstanceOf(ProviderError);
      expect(failed).toMatchObject({ failure: 'unavailable' });
      expect(failed.message).toMatch(/Salesforce: login failed \(password\): invalid_grant/);
    }
    expect(logins()).toBe(3);
    time += 60_000;
    await expect(ask(client)).rejects.toThrow(/login failed/);
    expect(logins()).toBe(4);
  });

  it('is opened as soon as Salesforce is there again, however often it was not', async () => {
    const client = clientOf(flows['a password']!(org.url));
    org.faults.outage = true;
    for (let i = 0; i < 5; i++) expect(await failureOf(client)).toMatchObject({ failure: 'unavailable' });
    org.faults.outage = false;
    org.faults.failNext({ match: { path: /token/ }, times: 5, disconnect: true });
    for (let i = 0; i < 5; i++) expect(await failureOf(client)).toMatchObject({ failure: 'unavailable' });
    expect((await ask(client)).records).toHaveLength(1);
  });

  it('is not opened for ever where the answer is always 401', async () => {
    const client = clientOf(flows['a password']!(org.url));
    org.faults.unauthorized = true;
    for (let i = 0; i < 20; i++) await expect(ask(client)).rejects.toBeInstanceOf(ProviderError);
    expect(logins()).toBeLessThanOrEqual(6);
    org.faults.unauthorized = false;
    time += 60_000;
    expect((await ask(client)).records).toHaveLength(1);
  });

  it('repeats nothing by itself, and gives up in time', async () => {
    const client = clientOf(flows['a password']!(org.url));
    await ask(client);
    org.faults.failNext({ status: 503, code: 'SERVER_UNAVAILABLE' });
    await expect(ask(client)).rejects.toMatchObject({ failure: 'unavailable' });
    expect(org.requests.count({ path: /query/ })).toBe(2);
    org.faults.slowMs = 60_000;
    const hurried = client.query('SELECT Id FROM User', false, 'query User', { ...options(), timeoutMs: 50 });
    await expect(hurried).rejects.toMatchObject({ failure: 'unavailable' });
  });

  it.each([
    [400, 'INVALID_FIELD', 'rejected'],
    [400, 'UNABLE_TO_LOCK_ROW', 'unavailable'],
    [403, 'REQUEST_LIMIT_EXCEEDED', 'rate-limited'],
    [403, 'INSUFFICIENT_ACCESS', 'unauthorized'],
    [500, 'UNKNOWN_EXCEPTION', 'unavailable'],
  ])('takes %i %s for %s, and quotes no sentence of it', async (status, code, failure) => {
    const client = clientOf(flows['a password']!(org.url));
    await ask(client);
    org.faults.failNext({ status, code, message: "Ada's secret" });
    expect(await failureOf(client)).toMatchObject({ failure, message: `Salesforce: ${code} (query User)` });
  });

  it('takes a page of a gateway for its absence', async () => {
    const client = clientOf(flows['a password']!(org.url));
    await ask(client);
    org.faults.failNext({ status: 502, body: '<html>Bad gateway</html>' });
    await expect(ask(client)).rejects.toMatchObject({ failure: 'unavailable' });
  });

  it('needs jsforce', async () => {
    const missing = Promise.reject(Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' }));
    const sdk = loadJsforce(() => missing);
    await expect(sdk).rejects.toBeInstanceOf(SyncConfigError);
    await expect(sdk).rejects.toThrow(/npm install jsforce/);
  });
});
