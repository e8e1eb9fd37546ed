/** What an error's body may hold beside type and message. */
interface ErrorDetails {
  code?: string;
  param?: string;
  headers?: Record<string, string>;
}

/** An answer of the API that is an error. Thrown by the calls of `FakeStripe` too, as the API would answer them. */
export class StripeApiError extends Error {
  readonly code?: string;
  readonly param?: string;
  readonly headers: Record<string, string>;

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** Stripe's own word: `invalid_request_error`, `idempotency_error`, `api_error`, `card_error`. */
    readonly type: string,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message);
    this.name = 'StripeApiError';
    this.code = details.code;
    this.param = details.param;
    this.headers = details.headers ?? {};
  }

  /** The JSON of the answer. stripe-node takes an answer for an error by this key `error`, not by its status. */
  toBody(): object {
    return { error: { type: this.type, code: this.code, message: this.message, param: this.param } };
  }
}

/** 404: the object named in the path does not exist. */
export function noSuchObject(type: string, id: string): StripeApiError {
  return new StripeApiError(404, 'invalid_request_error', `No such ${type}: '${id}'`, {
    code: 'resource_missing',
    param: 'id',
  });
}

/** 400: a parameter names an object that does not exist. */
export function noSuchParameterObject(type: string, id: string, param: string): StripeApiError {
  return new StripeApiError(400, 'invalid_request_error', `No such ${type}: '${id}'`, {
    code: 'resource_missing',
    param,
  });
}

/** 404: no such path, or not with this method. */
export function unknownUrl(method: string, path: string): StripeApiError {
  return new StripeApiError(404, 'invalid_request_error', `Unrecognized request URL (${method}: ${path}).`);
}

/** 400 about one parameter. */
export function badParameter(code: string, param: string, message: string): StripeApiError {
  return new StripeApiError(400, 'invalid_request_error', message, { code, param });
}

/** 400: this endpoint does not have the parameter. */
export function unknownParameter(param: string): StripeApiError {
  return badParameter('parameter_unknown', param, `Received unknown parameter: ${param}`);
}

/** 400: the object is not in a state that allows this. */
export function notInThisState(code: string, message: string): StripeApiError {
  return new StripeApiError(400, 'invalid_request_error', message, { code });
}

/** 401: no key, or one that is not ours. Shows no more of the key than its ends. */
export function wrongKey(key: string | null): StripeApiError {
  const message =
    key === null
      ? 'You did not provide an API key.'
      : `Invalid API Key provided: ${key.slice(0, 8)}****${key.slice(-4)}`;
  return new StripeApiError(401, 'invalid_request_error', message);
}

/**
 * 429. Carries no `Retry-After`, since Stripe documents none.
 *
 * @param reason the header `Stripe-Rate-Limited-Reason`; `null` for a lock on the object, which comes without it.
 */
export function rateLimited(reason: string | null): StripeApiError {
  if (reason === null) {
    return new StripeApiError(429, 'invalid_request_error', 'This object is locked by another request.', {
      code: 'lock_timeout',
    });
  }
  return new StripeApiError(429, 'invalid_request_error', 'Request rate limit exceeded.', {
    code: 'rate_limit',
    headers: { 'stripe-rate-limited-reason': reason },
  });
}
