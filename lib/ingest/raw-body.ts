import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * Host frameworks parse bodies before any controller runs, with limits of their own, and throw the bytes away that a
 * signature is about. They decide by three headers whether there is a body: without those, they leave the stream to
 * the controller. So requests for the webhook path lose them first thing, and get them back here.
 */
const HIDING = ['content-length', 'transfer-encoding', 'content-type'] as const;

const HIDDEN = Symbol('hidden headers');

type Tapped = IncomingMessage & { [HIDDEN]?: IncomingHttpHeaders; rawBody?: unknown; body?: unknown };

/** Keeps body parsers off this request. */
export function hideBody(request: IncomingMessage): void {
  const tapped = request as Tapped;
  if (tapped[HIDDEN]) return;
  const hidden: IncomingHttpHeaders = {};
  for (const name of HIDING) {
    if (request.headers[name] === undefined) continue;
    hidden[name] = request.headers[name];
    delete request.headers[name];
  }
  tapped[HIDDEN] = hidden;
}

/** The body's bytes; `too-large` beyond the limit; `consumed` if someone has read it before and kept no bytes. */
export async function readBody(
  request: IncomingMessage,
  framework: { rawBody?: unknown; body?: unknown },
  limitBytes: number,
): Promise<Buffer | 'too-large' | 'consumed'> {
  const tapped = request as Tapped;
  Object.assign(request.headers, tapped[HIDDEN]);

  const kept = [framework.rawBody, framework.body, tapped.rawBody].find((body) => Buffer.isBuffer(body));
  if (kept) return kept.length > limitBytes ? 'too-large' : kept;
  if (request.readableEnded || request.readableDidRead) return 'consumed';
  return collect(request, limitBytes);
}

/** How many times the limit is read and thrown away, so that the sender gets to read the answer. */
const TOLERATED = 8;

function collect(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too-large'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (size > limitBytes * TOLERATED) request.destroy();
    });
    request.on('end', () =>
      resolve(size > limitBytes ? 'too-large' : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
    );
    request.on('error', reject);
    request.on('close', () => {
      // Follows every end too, where it says nothing new.
      if (!request.readableEnded) reject(new Error('the sender went away'));
    });
  });
}
