import { setMaxListeners } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiAnswer, RequestEntry } from './api-request.js';
import { CallLog } from './call-log.js';
import { Gates } from './gates.js';

/** How a provider talks. */
export interface Exchange<Entry extends RequestEntry, Request extends { readonly entry: Entry }> {
  read(incoming: http.IncomingMessage, body: string): Request;
  /**
   * Does what is asked. Never throws: an error is an answer too, and `null` cuts the connection.
   * @param done to be waited for when all is done and only the answer is missing, which is held back for so long
   */
  answer(request: Request, done: (slowMs: number) => Promise<void>): Promise<ApiAnswer | null>;
  send(response: http.ServerResponse, request: Request, answer: ApiAnswer): void;
}

/** The HTTP side of a fake: reads requests, logs and holds them, answers. Listens on loopback only. */
export class FakeServer<Entry extends RequestEntry, Request extends { readonly entry: Entry }> {
  readonly requests = new CallLog<Entry>();
  readonly gates = new Gates<Entry>();
  readonly http: http.Server;
  private readonly closing = new AbortController();

  constructor(private readonly exchange: Exchange<Entry, Request>) {
    this.http = http.createServer((request, response) => void this.serve(request, response));
    // A client that takes a connection up again just as it times out would see a fault that nobody asked for.
    this.http.keepAliveTimeout = 0;
    // As many slow answers as there are requests wait for its end.
    setMaxListeners(0, this.closing.signal);
  }

  /** @param port 0 for any that is free. @returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.http.once('error', reject);
      this.http.listen(port, '127.0.0.1', resolve);
    });
    return (this.http.address() as AddressInfo).port;
  }

  /** Cuts all connections. Calling it again does nothing more. */
  async close(): Promise<void> {
    this.closing.abort();
    this.gates.openAll();
    const closed = new Promise((resolve) => this.http.close(resolve));
    this.http.closeAllConnections();
    await closed;
  }

  private async serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const text = await readBody(incoming);
    if (text === null) return;
    const request = this.exchange.read(incoming, text);
    this.requests.push(request.entry);
    await this.gates.pass(request.entry, 'arrival');
    const answer = await this.exchange.answer(request, (slowMs) => this.holdBack(request.entry, slowMs));
    request.entry.status = answer?.status ?? 0;
    if (answer) this.exchange.send(response, request, answer);
    else response.destroy();
    this.requests.touch(request.entry);
  }

  private async holdBack(entry: Entry, slowMs: number): Promise<void> {
    if (slowMs > 0) await wait(slowMs, null, { ref: false, signal: this.closing.signal }).catch(() => null);
    await this.gates.pass(entry, 'answer');
  }
}

/** The body as text; `null` if the client went away before its end. */
async function readBody(incoming: http.IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}
