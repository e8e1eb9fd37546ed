import { StripeApiError, badParameter } from './api-error.js';
import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { ApiRequest } from './api-request.js';

const KEPT_MS = 24 * 60 * 60 * 1000;
const MAX_KEY_LENGTH = 255;

interface Saved {
  /** Method, path and body of the first request. */
  readonly request: string;
  readonly at: number;
  /** `null` while the first request is being worked on. */
  answer: ApiAnswer | null;
}

/** The answers kept under `Idempotency-Key`: for POST, per account, for 24 hours of the fake's clock. */
export class IdempotencyKeys {
  private readonly saved = new Map<string, Saved>();

  constructor(private readonly now: () => Date) {}

  /**
   * Does the work once per key; the same request again gets the saved answer, and `Idempotent-Replayed: true`.
   *
   * A saved 500 is given again, as in v1 of the API. What was refused without work (400, 401, 409, 429) is not saved.
   * @throws StripeApiError 400 `idempotency_error` for the key with another request, 409 while the first is still under way.
   */
  async once(request: ApiRequest, work: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const key = request.entry.idempotencyKey;
    if (key === null || request.entry.method !== 'POST') return work();
    if (key.length > MAX_KEY_LENGTH) {
      throw badParameter('parameter_invalid', 'Idempotency-Key', `Longer than ${MAX_KEY_LENGTH} characters.`);
    }
    const id = `${request.entry.account ?? ''} ${key}`;
    const known = this.read(id);
    if (known) return replay(known, fingerprint(request));
    const saved: Saved = { request: fingerprint(request), at: this.now().getTime(), answer: null };
    this.saved.set(id, saved);
    try {
      const answer = await work();
      if ([400, 401, 409, 429].includes(answer.status)) this.saved.delete(id);
      saved.answer = answer;
      return answer;
    } catch (error) {
      this.saved.delete(id);
      throw error;
    }
  }

  private read(id: string): Saved | undefined {
    const saved = this.saved.get(id);
    return saved && this.now().getTime() - saved.at < KEPT_MS ? saved : undefined;
  }
}

function replay(saved: Saved, request: string): ApiAnswer {
  if (saved.request !== request) {
    throw new StripeApiError(
      400,
      'idempotency_error',
      'This idempotency key was used with another request. Use another key, or the same parameters.',
    );
  }
  if (!saved.answer) {
    throw new StripeApiError(
      409,
      'invalid_request_error',
      'The first request with this key is not done yet.',
      {
        code: 'idempotency_key_in_use',
      },
    );
  }
  return { ...saved.answer, headers: { ...saved.answer.headers, 'idempotent-replayed': 'true' } };
}

function fingerprint(request: ApiRequest): string {
  return `${request.entry.method} ${request.entry.path} ${request.text}`;
}
