import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What to answer: JSON with a status, text as it is, or whatever a function does with the response. */
export type Answer =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | ((response: ServerResponse, request: IncomingMessage) => void);

/** A server in place of api.stripe.com that answers by exact path and query, and remembers what it was asked. */
export class StripeApi {
  readonly asked: { path: string; headers: IncomingHttpHeaders }[] = [];
  answers: Record<string, Answer> = {};
  private readonly server = createServer((request, response) => {
    const path = request.url!;
    this.asked.push({ path, headers: request.headers });
    const answer = this.answers[path] ?? { status: 404, json: missing };
    if (typeof answer === 'function') return answer(response, request);
    const { status = 200, headers = {}, json, text = JSON.stringify(json) } = answer;
    response.writeHead(status, { 'request-id': 'req_1', ...headers }).end(text);
  });

  async start(): Promise<void> {
    // A connection that is closed just as the SDK uses it again is used a second time, which would be counted here.
    this.server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  /** Options of `stripe()` that lead here. */
  get address() {
    return {
      host: '127.0.0.1',
      port: (this.server.address() as AddressInfo).port,
      protocol: 'http' as const,
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const missing = {
  error: {
    code: 'resource_missing',
    message: "No such thing: 'x_1'",
    param: 'id',
    type: 'invalid_request_error',
  },
};
