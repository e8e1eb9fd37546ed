import type { ApiAnswer } from '../fake-provider/api-request.js';
import type { ApiLimits } from './api-limits.js';
import type { SalesforceRequest } from './api-request.js';
import type { SalesforceFaults } from './faults.js';
import type { RecordStore } from './record-store.js';
import type { RowLocks } from './row-locks.js';
import type { Sessions } from './sessions.js';
import type { EventBus } from './streaming/event-bus.js';

/** What routes work on. */
export interface ApiParts {
  readonly store: RecordStore;
  readonly sessions: Sessions;
  readonly faults: SalesforceFaults;
  readonly limits: ApiLimits;
  readonly locks: RowLocks;
  readonly bus: EventBus;
}

/** One request, matched by a route. */
export interface Call {
  readonly request: SalesforceRequest;
  /** `v60.0` */
  readonly version: string;
  /** The parts of the path that the route names, decoded. */
  readonly parts: readonly string[];
}

/** Method, path below the version's, and what it does. A route that answers with nothing is a 204. */
export type Route = readonly [method: string, path: RegExp, run: (call: Call) => ApiAnswer];

export function ok(body: object, status = 200): ApiAnswer {
  return { status, body };
}

export const NO_CONTENT: ApiAnswer = { status: 204, body: '' };

/** The name that the caller gives itself, `Sforce-Call-Options: client=...`; '': none. */
export function clientOf({ request: { headers } }: Call): string {
  return /client=([^,;]+)/.exec(String(headers['sforce-call-options'] ?? ''))?.[1]?.trim() ?? '';
}
