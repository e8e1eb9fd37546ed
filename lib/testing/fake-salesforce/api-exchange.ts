import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { Exchange } from '../fake-provider/fake-server.js';
import type { Random } from '../fake-provider/random.js';
import { delayMs, failureAnswer, type RequestFailure } from '../fake-provider/request-faults.js';
import { SalesforceApiError } from './api-error.js';
import type { ApiLimits } from './api-limits.js';
import { readRequest, type SalesforceRequest } from './api-request.js';
import type { Api } from './api.js';
import type { SalesforceFaults, SalesforceRequestEntry } from './faults.js';
import type { Cometd } from './streaming/cometd.js';

/** What the API needs of the rest. */
export interface ExchangeParts {
  readonly api: Api;
  readonly cometd: Cometd;
  readonly faults: SalesforceFaults;
  readonly limits: ApiLimits;
  readonly random: Random;
  readonly now: () => Date;
}

/** How Salesforce's API talks. The faults have their say first. */
export class ApiExchange implements Exchange<SalesforceRequestEntry, SalesforceRequest> {
  private served = 0;

  constructor(private readonly parts: ExchangeParts) {}

  read(incoming: IncomingMessage, text: string): SalesforceRequest {
    return readRequest(incoming, text, this.parts.now());
  }

  async answer(
    request: SalesforceRequest,
    done: (slowMs: number) => Promise<void>,
  ): Promise<ApiAnswer | null> {
    const { faults, random } = this.parts;
    const failure = faults.takeFailure(request.entry);
    if (failure && !failure.afterWork) return failure.disconnect ? null : failureAnswer(failure, failureBody);
    const answer = await this.result(request);
    await done(delayMs(faults.slowMs, random.of(`slow ${this.served++}`)));
    if (!failure) return answer;
    return failure.disconnect ? null : failureAnswer(failure, failureBody);
  }

  send(response: ServerResponse, _request: SalesforceRequest, { status, body, headers }: ApiAnswer): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/html;charset=UTF-8' : 'application/json;charset=UTF-8',
      ...(status !== 204 && { 'content-length': Buffer.byteLength(text) }),
      'sforce-limit-info': this.parts.limits.header,
      ...headers,
    });
    response.end(text);
  }

  private async result(request: SalesforceRequest): Promise<ApiAnswer> {
    try {
      if (this.parts.faults.outage)
        throw new SalesforceApiError(503, 'SERVER_UNAVAILABLE', 'Server is not available, try again later');
      if (request.entry.path.startsWith('/cometd/')) return await this.parts.cometd.answer(request);
      return this.parts.api.run(request);
    } catch (error) {
      if (error instanceof SalesforceApiError) return { status: error.status, body: error.toBody() };
      const message = `FakeSalesforce failed: ${error instanceof Error ? error.stack : String(error)}`;
      return { status: 500, body: [{ errorCode: 'UNKNOWN_EXCEPTION', message }] };
    }
  }
}

function failureBody({ code, message }: RequestFailure, status: number): object {
  const usual = status >= 500 ? 'UNKNOWN_EXCEPTION' : 'BAD_REQUEST';
  return new SalesforceApiError(
    status,
    code ?? usual,
    message ?? `Failed on purpose with ${status}.`,
  ).toBody();
}
