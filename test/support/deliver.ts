import http from 'node:http';
import type { SignedDelivery } from 'nestjs-hybrid-sync/testing';

/** What a sender gets to see. */
export interface Received {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** As text. */
  body: string;
  /** From the first byte sent to the last received. */
  tookMs: number;
}

export interface DeliverOptions {
  method?: string;
  agent?: http.Agent;
  /** Sends the body in pieces, with no length announced. */
  chunked?: boolean;
}

/** Posts bytes as they are. @throws Error if the connection is cut before there is an answer. */
export function deliver(
  url: string,
  { body, headers }: Pick<SignedDelivery, 'body'> & { headers: http.OutgoingHttpHeaders },
  { method = 'POST', agent, chunked = false }: DeliverOptions = {},
): Promise<Received> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length };
    const request = http.request(url, { method, agent, headers: { ...framing, ...headers } });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode, headers } = response;
        resolve({ status: statusCode!, headers, body: text, tookMs: performance.now() - startedAt });
      });
    });
    const send = () => {
      if (chunked)
        for (let at = 0; at < body.length; at += 1_000) request.write(body.subarray(at, at + 1_000));
      request.end(chunked ? undefined : body);
    };
    // The body waits for the server's word, as the sender has announced.
    if (headers.expect) request.once('continue', send).flushHeaders();
    else send();
  });
}
