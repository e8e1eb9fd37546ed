import { setMaxListeners } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { wrongKey } from './api-error.js';
import type { ApiAnswer, ApiRequest, ApiRequestEntry } from './api-request.js';
import { CallLog } from './call-log.js';
import { delayMs, failureAnswer } from './faults.js';
import type { Faults, RequestFailure } from './faults.js';
import { Gates } from './gates.js';
import { errorAnswer, keyOf, readBody, readRequest, sendAnswer } from './http-messages.js';
import { IdempotencyKeys } from './idempotency.js';
import type { Random } from './random.js';

/** What the server needs of the rest. */
export interface ServerOptions {
  readonly apiKey: string;
  readonly now: () => Date;
  readonly random: Random;
  readonly faults: Faults;
  /** Does what is asked. Throws a StripeApiError for every other answer. */
  readonly run: (request: ApiRequest) => object;
}

/** The HTTP side: reads requests, lets the faults have their say, answers. Listens on loopback only. */
export class ApiServer {
  readonly requests = new CallLog<ApiRequestEntry>();
  readonly gates = new Gates();
  private readonly server: http.Server;
  private readonly keys: IdempotencyKeys;
  private readonly closing = new AbortController();

  constructor(private readonly options: ServerOptions) {
    this.keys = new IdempotencyKeys(options.now);
    this.server = http.createServer((request, response) => void this.serve(request, response));
    // A client that takes a connection up again just as it times out would see a fault that nobody asked for.
    this.server.keepAliveTimeout = 0;
    // As many slow answers as there are requests wait for its end.
    setMaxListeners(0, this.closing.signal);
  }

  /** @param port 0 for any that is free. @returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Cuts all connections. Calling it again does nothing more. */
  async close(): Promise<void> {
    this.closing.abort();
    this.gates.openAll();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const text = await readBody(incoming);
    if (text === null) return;
    const { now, random } = this.options;
    const request = readRequest(incoming, text, `req_${random.text(14)}`, now());
    this.requests.push(request.entry);
    await this.gates.pass(request.entry, 'arrival');
    const answer = await this.answer(request);
    request.entry.status = answer?.status ?? 0;
    if (answer) sendAnswer(response, request, answer);
    else response.destroy();
    this.requests.touch(request.entry);
  }

  /** `null` if the connection is to be cut. */
  private async answer(request: ApiRequest): Promise<ApiAnswer | null> {
    const { faults, apiKey } = this.options;
    try {
      const key = keyOf(request.authorization);
      if (key !== apiKey) throw wrongKey(key);
      faults.admit(request.entry);
      const failure = faults.takeFailure(request.entry);
      if (failure && !failure.afterWork) return failure.disconnect ? null : failureAnswer(failure);
      const answer = await this.keys.once(request, () => this.work(request, failure));
      return failure?.disconnect ? null : answer;
    } catch (error) {
      return errorAnswer(error);
    }
  }

  /** Does the work and holds its answer back. A failure takes the answer's place, and is what the idempotency key keeps. */
  private async work(request: ApiRequest, failure: RequestFailure | null): Promise<ApiAnswer> {
    const { faults, random } = this.options;
    const answer = this.result(request);
    const slowMs = delayMs(faults.slowMs, random.of(`slow ${request.id}`));
    if (slowMs > 0) await wait(slowMs, null, { ref: false, signal: this.closing.signal }).catch(() => null);
    await this.gates.pass(request.entry, 'answer');
    return failure && !failure.disconnect ? failureAnswer(failure) : answer;
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
