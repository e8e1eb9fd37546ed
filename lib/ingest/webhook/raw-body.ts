import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * Host frameworks parse bodies before any controller runs, with limits of their own, and throw the bytes away that a
 * signature is about. They decide by three headers whether there is a body: without those, they leave the stream to
 * the controller. So requests for the webhook path lose them first thing, and get them back where the body is read.
 */
const HIDING = ['content-length', 'transfer-encoding', 'content-type'] as const;

const HIDDEN = Symbol('hidden headers');

type Tapped = IncomingMessage & { [HIDDEN]?: IncomingHttpHeaders };

/** Whether `hideBody` has been called with it. */
export function isBodyHidden(request: IncomingMessage): boolean {
  return (request as Tapped)[HIDDEN] !== undefined;
}

/** Keeps body parsers off this request. */
export function hideBody(request: IncomingMessage): void {
  const hidden: IncomingHttpHeaders = {};
  for (const name of HIDING) {
    if (request.headers[name] === undefined) continue;
    hidden[name] = request.headers[name];
    delete request.headers[name];
  }
  (request as Tapped)[HIDDEN] = hidden;
}

/** Gives a request its headers back. */
export function showBody(request: IncomingMessage): void {
  Object.assign(request.headers, (request as Tapped)[HIDDEN]);
}
