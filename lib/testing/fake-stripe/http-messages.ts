import type { IncomingMessage, ServerResponse } from 'node:http';
import { StripeApiError } from './api-error.js';
import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { ApiRequest } from './api-request.js';
import { API_VERSION } from './event-log.js';
import { decodeForm } from './form.js';
import type { StripeParams } from './stripe-object.js';

/** Reads a request. Parameters that cannot be read are noted, to be answered 400 once it has been let in. */
export function readRequest(incoming: IncomingMessage, text: string, id: string, at: Date): ApiRequest {
  const { headers, method = 'GET', url = '/' } = incoming;
  const mark = url.indexOf('?');
  const [path, search] = mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
  const [query, params] = [decode(search), decode(text)];
  return {
    id,
    text,
    authorization: headers.authorization ?? null,
    version: headerText(headers['stripe-version']) ?? API_VERSION,
    params: params.values,
    invalid: query.invalid ?? params.invalid,
    entry: {
      method,
      path,
      query: query.values,
      account: headerText(headers['stripe-account']) ?? headerText(headers['stripe-context']),
      idempotencyKey: headerText(headers['idempotency-key']),
      at,
      status: null,
    },
  };
}

/** The API key of an `Authorization` header, `Bearer` or `Basic`; `null` if there is none. */
export function keyOf(authorization: string | null): string | null {
  const [scheme, credentials = ''] = (authorization ?? '').split(' ');
  const key =
    scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] : credentials;
  return key || null;
}

/** An error as an answer; what is no StripeApiError is a fault of this fake, and says so. */
export function errorAnswer(error: unknown): ApiAnswer {
  if (error instanceof StripeApiError) {
    return { status: error.status, headers: error.headers, body: error.toBody() };
  }
  const message = `FakeStripe failed: ${error instanceof Error ? error.stack : String(error)}`;
  return { status: 500, body: { error: { type: 'api_error', message } } };
}

/** Sends an answer, with the headers that Stripe puts on each. */
export function sendAnswer(response: ServerResponse, request: ApiRequest, answer: ApiAnswer): void {
  const { account, idempotencyKey } = request.entry;
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': typeof answer.body === 'string' ? 'text/html' : 'application/json',
    'content-length': Buffer.byteLength(text),
    'request-id': request.id,
    'stripe-version': request.version,
    ...(account === null ? {} : { 'stripe-account': account }),
    ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }),
    ...answer.headers,
  });
  response.end(text);
}

function decode(text: string): { values: StripeParams; invalid: StripeApiError | null } {
  try {
    return { values: decodeForm(text), invalid: null };
  } catch (error) {
    if (error instanceof StripeApiError) return { values: {}, invalid: error };
    throw error;
  }
}

function headerText(header: string | string[] | undefined): string | null {
  return typeof header === 'string' && header !== '' ? header : null;
}
