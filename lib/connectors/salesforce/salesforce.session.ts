import { createSign } from 'node:crypto';
import type { Connection } from 'jsforce';
import { inTime } from '../../model/in-time.js';
import type { FetchOptions } from '../../model/connector.js';
import type { SalesforceLogin } from './salesforce.options.js';
import { SALESFORCE_DEFAULTS } from './salesforce.options.js';
import type { Jsforce } from './salesforce.package.js';

/** Login fails: nothing can be asked. */
export class LoginError extends Error {
  constructor(
    message: string,
    /** Salesforce has said no, and not just nothing. */
    readonly isRefusal: boolean,
  ) {
    super(message);
  }
}

/** After so many failures in a row, a login is tried seldom: an org locks out users who fail too often. */
const EAGER_LOGINS = 3;
const SELDOM_MS = 60_000;

/** jsforce would wait for half an hour. */
const LOGIN_MS = 20_000;

/** A JWT may be used within three minutes (help.salesforce.com, "OAuth 2.0 JWT Bearer Flow"). */
const ASSERTION_SECONDS = 120;

/** A session at one org. There is one at a time, opened when it is needed, and again when it has ended. */
export class SalesforceSession {
  private current?: Connection;
  private entering?: Promise<Connection>;
  private failures = 0;
  private failedAt = -Infinity;
  private lastFailure = '';

  constructor(
    private readonly login: SalesforceLogin,
    private readonly version: string,
    private readonly sdk: Promise<Jsforce>,
  ) {}

  /** @throws LoginError; SyncConfigError if the package is missing */
  connection({
    nowMs,
    timeoutMs,
  }: Pick<FetchOptions, 'nowMs' | 'timeoutMs'>): Promise<Connection> | Connection {
    if (this.current) return this.current;
    this.entering ??= this.enter(nowMs, Math.min(timeoutMs, LOGIN_MS))
      .then((connection) => (this.current = connection))
      .finally(() => (this.entering = undefined));
    return this.entering;
  }

  /** The org has said that this session is over. One that was opened since stays. */
  end(ended: Connection): void {
    if (this.current === ended) this.current = undefined;
  }

  private async enter(nowMs: number, timeoutMs: number): Promise<Connection> {
    if (this.failures >= EAGER_LOGINS && nowMs - this.failedAt < SELDOM_MS)
      throw new LoginError(`${this.lastFailure}; it is tried again every ${SELDOM_MS / 1000} s`, true);
    const sdk = await this.sdk;
    try {
      return await within(timeoutMs, enter(sdk, this.login, this.version, nowMs));
    } catch (error) {
      const message = `login failed (${this.login.flow}): ${nameOf(error)}`;
      if (isRefusal(error)) this.failed(message, nowMs);
      throw new LoginError(message, isRefusal(error));
    }
  }

  /** Sessions that are over at once count as failures to log in. */
  refused(nowMs: number): void {
    this.failed(`the org refuses the session (${this.login.flow})`, nowMs);
  }

  /** It has shown that it is good for something. */
  accepted(): void {
    this.failures = 0;
  }

  private failed(message: string, nowMs: number): void {
    this.failures += 1;
    this.failedAt = nowMs;
    this.lastFailure = message;
  }
}

/** Without a refresh function of jsforce's: it would log in for ever where the answer is always 401. */
async function enter(
  sdk: Jsforce,
  login: SalesforceLogin,
  version: string,
  nowMs: number,
): Promise<Connection> {
  if (login.flow === 'token') {
    const { accessToken, instanceUrl } = login;
    return new sdk.Connection({ instanceUrl: instanceUrl.replace(/\/$/, ''), accessToken, version });
  }
  const loginUrl = login.loginUrl ?? SALESFORCE_DEFAULTS.loginUrl;
  const { clientId } = login;
  const clientSecret = login.flow === 'jwt' ? undefined : login.clientSecret;
  const oauth2 = new sdk.OAuth2({ loginUrl, clientId, clientSecret });
  const answer = await tokenBy(oauth2, login, loginUrl, nowMs);
  const { access_token: accessToken, instance_url: instanceUrl } = answer;
  return new sdk.Connection({ instanceUrl, accessToken, version });
}

function tokenBy(
  oauth2: InstanceType<Jsforce['OAuth2']>,
  login: Exclude<SalesforceLogin, { flow: 'token' }>,
  loginUrl: string,
  nowMs: number,
) {
  switch (login.flow) {
    case 'client-credentials':
      return oauth2.requestToken({ grant_type: 'client_credentials' });
    case 'jwt':
      return oauth2.requestToken({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertionOf(login, loginUrl, nowMs),
      });
    case 'refresh-token':
      return oauth2.refreshToken(login.refreshToken);
    case 'password':
      return oauth2.authenticate(login.username, login.password);
  }
}

function assertionOf(
  { clientId, username, privateKey }: SalesforceLogin & { flow: 'jwt' },
  loginUrl: string,
  nowMs: number,
): string {
  const exp = Math.floor(nowMs / 1000) + ASSERTION_SECONDS;
  const claims = { iss: clientId, sub: username, aud: loginUrl, exp };
  const content = [{ alg: 'RS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${content}.${createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')}`;
}

/** OAuth's own words (RFC 6749 section 5.2), and not those of a network or a gateway: who is not there locks nobody out. */
function isRefusal(error: unknown): boolean {
  return /^[a-z]+(_[a-z]+)+$/.test(nameOf(error));
}

/** Salesforce's word for it; its sentences may name users. */
function nameOf(error: unknown): string {
  const { name, code } = error as { name?: string; code?: string };
  return code ?? name ?? 'no answer';
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return inTime(ms, work, () => {
    throw Object.assign(new Error(`no answer in ${ms} ms`), { code: 'ETIMEDOUT' });
  });
}
