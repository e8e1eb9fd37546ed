import { ProviderError, type ProviderFailure } from '../../sync.errors.js';

/** What an answer that holds no record says, be it an error of the SDK's or a response that it took for success. */
export interface StripeAnswer {
  /** HTTP status; undefined: there was no answer. */
  readonly status?: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/**
 * Whether the answer says that the object does not exist. A 404 for a path that Stripe does not know says nothing
 * about the object, and has no code ("Unrecognized request URL").
 */
export function isMissing({ status, code, message }: StripeAnswer): boolean {
  if (code === 'resource_missing') return true;
  return status === 404 && message !== undefined && !message.startsWith('Unrecognized request URL');
}

/**
 * The error for an answer. Its message tells status, code and request id, and nothing of the request but the path's
 * template: Stripe's own messages quote ids, and parts of keys.
 * @param request what was asked: `GET /v1/invoices/{id}`
 */
export function failureOf(answer: StripeAnswer, request: string): ProviderError {
  const { status, headers = {} } = answer;
  const said = [
    status === undefined ? 'no answer' : status < 300 ? `${status} without the record` : String(status),
    word(answer.code),
    word(headers['stripe-rate-limited-reason']),
    word(headers['request-id']),
  ];
  const message = `Stripe: ${said.filter(Boolean).join(', ')} (${request})`;
  return new ProviderError(kindOf(answer), message, retryAfterOf(headers));
}

function kindOf({ status, code, message }: StripeAnswer): ProviderFailure {
  // 429 is also a lock that another request holds (code lock_timeout); 400 with rate_limit as in the SDK's Error.js.
  if (status === 429 || code === 'rate_limit') return 'rate-limited';
  if (status === 401 || status === 403) return 'unauthorized';
  // Stripe explains its own 404s: this one is a gateway's.
  if (status === 404 && message === undefined) return 'unavailable';
  // A conflict or a time-out on the way passes, and the SDK retries 409 like a 500.
  if (status === 408 || status === 409) return 'unavailable';
  return status !== undefined && status >= 400 && status < 500 ? 'rejected' : 'unavailable';
}

/** Stripe documents no Retry-After; a gateway in front of it may send one. Seconds only. */
function retryAfterOf(headers: Readonly<Record<string, unknown>>): number | undefined {
  const seconds = headers['retry-after'];
  return typeof seconds === 'string' && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

/** Lets through what can only be a code or an id. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}
