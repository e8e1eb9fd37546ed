import { ProviderError, type ProviderFailure } from '../../sync.errors.js';
import { LoginError } from './salesforce.session.js';

/** What jsforce throws for an answer that is an error. */
interface ApiFailure {
  readonly errorCode?: string;
  readonly name?: string;
  readonly code?: string;
}

/** The calls of 24 hours are used up, or too many long ones are under way: nobody says until when. */
const LIMIT_PAUSE_MS = 60_000;

const PASSING: ReadonlySet<string> = new Set([
  'UNABLE_TO_LOCK_ROW',
  'SERVER_UNAVAILABLE',
  'QUERY_TIMEOUT',
  'REQUEST_RUNNING_TOO_LONG',
  'UNKNOWN_EXCEPTION',
  'API_CURRENTLY_DISABLED',
]);

/** What Salesforce has answered, or the network in its place. */
export class SalesforceError extends ProviderError {
  constructor(
    failure: ProviderFailure,
    /** Salesforce's own word, or the network's. */
    readonly answer: string,
    request: string,
  ) {
    const retryAfterMs = failure === 'rate-limited' ? LIMIT_PAUSE_MS : undefined;
    super(failure, `Salesforce: ${answer} (${request})`, retryAfterMs);
  }
}

/** Nobody is let in. To those who ask it is as if nobody were there: it concerns every request. */
export class SalesforceLoginError extends ProviderError {
  readonly isRefusal: boolean;

  constructor({ message, isRefusal }: LoginError) {
    super('unavailable', `Salesforce: ${message}`);
    this.isRefusal = isRefusal;
  }
}

/** Salesforce's word for what was wrong, or the network's. */
function codeOf(error: unknown): string {
  const { errorCode, code, name } = error as ApiFailure;
  return errorCode ?? code ?? name ?? 'unknown';
}

export function isSessionOver(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'INVALID_SESSION_ID' || code === 'ERROR_HTTP_401';
}

/**
 * The error for what jsforce has thrown. Its message has Salesforce's code and nothing of its sentences, which quote data.
 * @param request what was asked: `query Account`
 */
export function failureOf(error: unknown, request: string): ProviderError {
  if (error instanceof LoginError) return new SalesforceLoginError(error);
  const code = codeOf(error);
  return new SalesforceError(kindOf(error as ApiFailure, code), code, request);
}

function kindOf({ errorCode }: ApiFailure, code: string): ProviderFailure {
  if (code === 'REQUEST_LIMIT_EXCEEDED' || code === 'ERROR_HTTP_429') return 'rate-limited';
  if (
    isSessionOver({ errorCode: code }) ||
    /^(INSUFFICIENT_ACCESS|API_DISABLED_FOR_ORG|ERROR_HTTP_403)/.test(code)
  )
    return 'unauthorized';
  // What Salesforce did not say itself is the network's, or a gateway's.
  if (errorCode === undefined || PASSING.has(code) || /^ERROR_HTTP_(4(04|08)|5)/.test(code))
    return 'unavailable';
  return 'rejected';
}
