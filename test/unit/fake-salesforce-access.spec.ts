import { createSign, generateKeyPairSync } from 'node:crypto';
import jsforce from 'jsforce';
import { openOrg, refusal, type Org } from './salesforce-org.js';

describe('the ways into a FakeSalesforce, by the real jsforce', () => {
  let org: Org['org'];
  let connection: Org['connection'];
  beforeEach(async () => ({ org, connection } = await openOrg()));
  afterEach(() => org.close());

  const app = { clientId: 'client_fake', clientSecret: 'secret_fake' };
  const works = async (established: InstanceType<typeof jsforce.Connection>) =>
    expect(await established.query('SELECT Id FROM User')).toMatchObject({ totalSize: 1 });
  const apart = (oauth2: object = app) =>
    new jsforce.Connection({ loginUrl: org.url, oauth2: { loginUrl: org.url, ...oauth2 }, version: '60.0' });

  it('password by OAuth', async () => {
    const made = apart();
    expect(await made.login('integration@example.com', 'password')).toMatchObject({
      organizationId: org.orgId,
    });
    await works(made);
    expect(await refusal(apart().login('integration@example.com', 'wrong'))).toMatchObject({
      code: 'invalid_grant',
    });
  });

  it('password by SOAP', async () => {
    const made = new jsforce.Connection({ loginUrl: org.url, version: '60.0' });
    await made.login('integration@example.com', 'password');
    await works(made);
    const wrong = new jsforce.Connection({ loginUrl: org.url, version: '60.0' });
    expect((await refusal(wrong.login('integration@example.com', 'no'))).message).toMatch(/INVALID_LOGIN/);
  });

  it('client credentials', async () => {
    const made = apart();
    await made.authorize({ grant_type: 'client_credentials' });
    await works(made);
    expect(
      await refusal(apart({ ...app, clientSecret: 'x' }).authorize({ grant_type: 'client_credentials' })),
    ).toMatchObject({ code: 'invalid_client' });
  });

  it('a refresh token', async () => {
    org.expireSessions();
    const made = new jsforce.Connection({
      instanceUrl: org.url,
      accessToken: 'expired',
      refreshToken: 'refresh_fake',
      oauth2: { loginUrl: org.url, ...app },
      version: '60.0',
    });
    await works(made);
  });

  it('a signed JWT', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    org.trustKey(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const assertion = (claims: object) => {
      const exp = Math.floor(Date.now() / 1000) + 120;
      const all = { iss: 'client_fake', sub: 'integration@example.com', aud: org.url, exp, ...claims };
      const signed = `${part({ alg: 'RS256' })}.${part(all)}`;
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
    };
    const grant = (claims: object) => ({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: assertion(claims),
    });
    const made = apart({});
    await made.authorize(grant({}));
    await works(made);
    for (const claims of [{ aud: 'https://example.com' }, { sub: 'someone@example.com' }, { exp: 1 }])
      expect(await refusal(apart({}).authorize(grant(claims)))).toMatchObject({ code: 'invalid_grant' });
  });

  it('is closed to others, and to sessions that are over', async () => {
    const stranger = new jsforce.Connection({ instanceUrl: org.url, accessToken: 'x', version: '60.0' });
    expect(await refusal(stranger.query('SELECT Id FROM User'))).toMatchObject({
      code: 'INVALID_SESSION_ID',
    });
    org.expireSessions();
    expect(await refusal(connection.query('SELECT Id FROM User'))).toMatchObject({
      code: 'INVALID_SESSION_ID',
    });
  });

  it('counts the calls of the day, and lets no more through', async () => {
    org.setApiUsage({ used: 18, limit: 20 });
    await connection.query('SELECT Id FROM User');
    expect(connection.limitInfo.apiUsage).toEqual({ used: 19, limit: 20 });
    await connection.query('SELECT Id FROM User');
    expect(await refusal(connection.query('SELECT Id FROM User'))).toMatchObject({
      code: 'REQUEST_LIMIT_EXCEEDED',
    });
  });

  it('has faults: answers that fail, are lost after the work, or are held', async () => {
    org.faults.failNext({ match: { method: 'POST' }, status: 400, code: 'UNABLE_TO_LOCK_ROW' });
    expect(await refusal(connection.sobject('Account').create({ Name: 'A' }))).toMatchObject({
      code: 'UNABLE_TO_LOCK_ROW',
    });
    org.faults.failNext({ disconnect: true, afterWork: true });
    await refusal(connection.sobject('Account').create({ Name: 'B' }));
    expect(org.all('Account')).toMatchObject([{ Name: 'B' }]);

    const held = org.hold({ path: /query/ });
    // A query of jsforce's begins when someone waits for it.
    const reading = connection
      .query<{ Name: string }>('SELECT Name FROM Account')
      .then(({ records }) => records);
    await held.reached;
    org.update(org.all('Account')[0]!.Id, { Name: 'C' });
    held.release();
    expect(await reading).toMatchObject([{ Name: 'B' }]);

    org.faults.staleReads = 1;
    const { Id } = org.all('Account')[0]!;
    expect(await connection.sobject('Account').retrieve(Id)).toMatchObject({ Name: 'B' });
    expect(await connection.sobject('Account').retrieve(Id)).toMatchObject({ Name: 'C' });
  });
});
