import type { Acknowledgement } from '../../model/connector.js';
import type { Answer } from './webhook.door.js';

/** An answer as HTTP has it. */
export interface Reply {
  readonly status: Answer['status'];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

const THANKS: Acknowledgement = { contentType: JSON_TYPE, body: JSON.stringify({ received: true }) };
/** By far the most frequent one, made once. */
const RECEIVED = rendered(200, THANKS);

/**
 * What the sender of a delivery gets to see.
 * @param isLast nothing more is read from this connection
 */
export function replyOf(
  { status, reason, retryAfterSeconds, acknowledgement }: Answer,
  isLast = false,
): Reply {
  if (status === 200 && !acknowledgement && !isLast) return RECEIVED;
  const reply = rendered(
    status,
    acknowledgement ??
      (status === 200 ? THANKS : { contentType: JSON_TYPE, body: JSON.stringify({ error: reason }) }),
  );
  const headers = {
    ...reply.headers,
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
    ...(isLast && { Connection: 'close' }),
  };
  return { ...reply, headers };
}

function rendered(status: Answer['status'], { contentType, body }: Acknowledgement): Reply {
  const headers = { 'Content-Type': contentType, 'Content-Length': String(Buffer.byteLength(body)) };
  return { status, headers, body };
}
