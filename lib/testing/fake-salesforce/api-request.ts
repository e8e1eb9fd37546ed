import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SalesforceRequestEntry } from './faults.js';

/** A request with what the log does not keep. */
export interface SalesforceRequest {
  readonly entry: SalesforceRequestEntry;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came. */
  readonly text: string;
}

export function readRequest(incoming: IncomingMessage, text: string, at: Date): SalesforceRequest {
  const { headers, method = 'GET' } = incoming;
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  return {
    entry: {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: bodyOf(text),
      at,
      status: null,
    },
    headers,
    text,
  };
}

function bodyOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
