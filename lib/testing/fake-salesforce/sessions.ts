import { createPublicKey, createVerify } from 'node:crypto';
import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { Random } from '../fake-provider/random.js';
import type { ResolvedFakeSalesforceOptions } from './fake-salesforce.options.js';

type Grant = Readonly<Record<string, string>>;

/** Who may in, and the tokens that were given out. */
export class Sessions {
  private readonly tokens = new Set<string>();
  /** The tokens' answers name it. */
  instanceUrl = '';
  /** PEM of the public keys whose JWTs are believed. */
  readonly trustedKeys: string[] = [];

  constructor(
    private readonly options: ResolvedFakeSalesforceOptions,
    private readonly random: Random,
    private readonly now: () => Date,
  ) {
    this.tokens.add(options.accessToken);
  }

  isValid(authorization: string | undefined): boolean {
    const [scheme, token] = (authorization ?? '').split(' ');
    return (scheme === 'Bearer' || scheme === 'OAuth') && token !== undefined && this.tokens.has(token);
  }

  /** All that were given out are worth nothing from here on. */
  expire(): void {
    this.tokens.clear();
  }

  /** `POST /services/oauth2/token` */
  token(text: string): ApiAnswer {
    const grant = Object.fromEntries(new URLSearchParams(text));
    const refused = this.refusal(grant);
    if (refused) return { status: 400, body: { error: refused[0], error_description: refused[1] } };
    const { orgId, userId } = this.options;
    return {
      status: 200,
      body: {
        access_token: this.newToken(),
        instance_url: this.instanceUrl,
        id: `${this.instanceUrl}/id/${orgId}/${userId}`,
        token_type: 'Bearer',
        issued_at: String(this.now().getTime()),
        ...(grant.grant_type === 'password' && { refresh_token: this.options.refreshToken }),
      },
    };
  }

  /** `POST /services/Soap/u/60.0` with `login`. */
  soapLogin(text: string): ApiAnswer {
    const field = (name: string) => new RegExp(`<(?:\\w+:)?${name}>([^<]*)</`).exec(text)?.[1] ?? '';
    const { username, password, orgId, userId } = this.options;
    const headers = { 'content-type': 'text/xml; charset=UTF-8' };
    const envelope = (body: string) =>
      `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;
    if (field('username') !== username || field('password') !== password) {
      const message = 'INVALID_LOGIN: Invalid username, password, security token; or user locked out.';
      const fault = `<soapenv:Fault><faultcode>INVALID_LOGIN</faultcode><faultstring>${message}</faultstring></soapenv:Fault>`;
      return { status: 500, headers, body: envelope(fault) };
    }
    const result = `<loginResponse><result><serverUrl>${this.instanceUrl}/services/Soap/u/60.0/${orgId}</serverUrl><sessionId>${this.newToken()}</sessionId><userId>${userId}</userId><userInfo><organizationId>${orgId}</organizationId></userInfo></result></loginResponse>`;
    return { status: 200, headers, body: envelope(result) };
  }

  private newToken(): string {
    const token = `${this.options.orgId}!${this.random.text(40)}`;
    this.tokens.add(token);
    return token;
  }

  private refusal(grant: Grant): [error: string, description: string] | null {
    const { clientId, clientSecret, username, password, refreshToken } = this.options;
    const isClient = grant.client_id === clientId && grant.client_secret === clientSecret;
    if (grant.grant_type === 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      return this.assertionRefusal(grant.assertion ?? '');
    if (grant.grant_type === 'client_credentials')
      return isClient ? null : ['invalid_client', 'invalid client credentials'];
    if (grant.grant_type === 'password') {
      if (!isClient) return ['invalid_client_id', 'client identifier invalid'];
      return grant.username === username && grant.password === password
        ? null
        : ['invalid_grant', 'authentication failure'];
    }
    if (grant.grant_type !== 'refresh_token') return ['unsupported_grant_type', 'grant type not supported'];
    if (grant.client_id !== clientId) return ['invalid_client_id', 'client identifier invalid'];
    return grant.refresh_token === refreshToken ? null : ['invalid_grant', 'expired access/refresh token'];
  }

  /** As Salesforce checks it: RS256, issuer, subject, audience, at most three minutes to its end. */
  private assertionRefusal(assertion: string): [string, string] | null {
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const isSigned = this.trustedKeys.some((key) =>
      createVerify('RSA-SHA256')
        .update(`${head}.${claims}`)
        .verify(createPublicKey(key), signature, 'base64url'),
    );
    if (!isSigned) return ['invalid_grant', 'invalid assertion'];
    const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const { clientId, username } = this.options;
    const leftSeconds = Number(exp) - this.now().getTime() / 1000;
    if (iss !== clientId) return ['invalid_client_id', 'client identifier invalid'];
    if (sub !== username) return ['invalid_grant', "user hasn't approved this consumer"];
    if (aud !== 'https://login.salesforce.com' && aud !== this.instanceUrl)
      return ['invalid_grant', 'audience is invalid'];
    return leftSeconds > 0 && leftSeconds <= 180 ? null : ['invalid_grant', 'expired authorization code'];
  }
}
