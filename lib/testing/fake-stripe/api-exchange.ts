import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { Exchange } from '../fake-provider/fake-server.js';
import type { Random } from '../fake-provider/random.js';
import { delayMs, failureAnswer } from '../fake-provider/request-faults.js';
import { wrongKey } from './api-error.js';
import type { ApiRequest, ApiRequestEntry } from './api-request.js';
import { failureBody, type Faults, type StripeRequestFailure } from './faults.js';
import { errorAnswer, keyOf, readRequest, sendAnswer } from './http-messages.js';
import { IdempotencyKeys } from './idempotency.js';

/** What the API needs of the rest. */
export interface ExchangeOptions {
  readonly apiKey: string;
  readonly now: () => Date;
  readonly random: Random;
  readonly faults: Faults;
  /** Does what is asked. Throws a StripeApiError for every other answer. */
  readonly run: (request: ApiRequest) => object;
}

/** How Stripe's API talks: keys, idempotency, errors. The faults have their say first. */
export class ApiExchange implements Exchange<ApiRequestEntry, ApiRequest> {
  private readonly keys: IdempotencyKeys;

  constructor(private readonly options: ExchangeOptions) {
    this.keys = new IdempotencyKeys(options.now);
  }

  read(incoming: IncomingMessage, text: string): ApiRequest {
    return readRequest(incoming, text, `req_${this.options.random.text(14)}`, this.options.now());
  }

  async answer(request: ApiRequest, done: (slowMs: number) => Promise<void>): Promise<ApiAnswer | null> {
    const { faults, apiKey } = this.options;
    try {
      const key = keyOf(request.authorization);
      if (key !== apiKey) throw wrongKey(key);
      faults.admit(request.entry);
      const failure = faults.takeFailure(request.entry);
      if (failure && !failure.afterWork)
        return failure.disconnect ? null : failureAnswer(failure, failureBody);
      const answer = await this.keys.once(request, () => this.work(request, failure, done));
      return failure?.disconnect ? null : answer;
    } catch (error) {
      return errorAnswer(error);
    }
  }

  send(response: ServerResponse, request: ApiRequest, answer: ApiAnswer): void {
    sendAnswer(response, request, answer);
  }

  /** Does the work and holds its answer back. A failure takes the answer's place, and is what the idempotency key keeps. */
  private async work(
    request: ApiRequest,
    failure: StripeRequestFailure | null,
    done: (slowMs: number) => Promise<void>,
  ): Promise<ApiAnswer> {
    const { faults, random } = this.options;
    const answer = this.result(request);
    await done(delayMs(faults.slowMs, random.of(`slow ${request.id}`)));
    return failure && !failure.disconnect ? failureAnswer(failure, failureBody) : answer;
  }

  private result(request: ApiRequest): ApiAnswer {
    try {
      if (request.invalid) throw request.invalid;
      return { status: 200, body: this.options.run(request) };
    } catch (error) {
      return errorAnswer(error);
    }
  }
}
