import type { ApiAnswer, RequestEntry } from './api-request.js';
import { matches } from './call-log.js';
import type { LogMatch } from './call-log.js';

/** A delay in milliseconds: fixed, or anywhere from the first to the second. */
export type Delay = number | readonly [min: number, max: number];

/** How requests fail. */
export interface RequestFailure {
  /** How many requests fail. @default 1 */
  times?: number;
  /** The HTTP status. @default 500 */
  status?: number;
  /** The provider's code for the error. @default none, or what goes with the status */
  code?: string;
  message?: string;
  headers?: Record<string, string>;
  /** The whole body, instead of the provider's form of an error; text is sent as HTML. */
  body?: object | string;
  /** Cut the connection instead of answering. */
  disconnect?: boolean;
  /** Do the work first: the change is made and its answer is lost. @default false */
  afterWork?: boolean;
}

/**
 * What goes wrong with requests to a fake. Nothing does by default; every field can be set at any time and holds from then
 * on.
 */
export class RequestFaults<Entry extends RequestEntry, Failure extends RequestFailure = RequestFailure> {
  /** Every API request answers 503. */
  outage = false;
  /** Every API request answers 401. */
  unauthorized = false;
  /** How long each API answer is held back after it was worked out: what was read may have changed when it arrives. */
  slowMs: Delay = 0;

  private failures: (Failure & { match?: LogMatch<Entry>; left: number })[] = [];

  /** Makes the next requests fail, or the next that match. Several calls are used up in their order. */
  failNext(failure: Failure & { match?: LogMatch<Entry> } = {} as Failure): void {
    this.failures.push({ ...failure, left: failure.times ?? 1 });
  }

  /** Back to a world without faults. */
  clear(): void {
    Object.assign(this, new (this.constructor as new () => this)());
  }

  /** Takes the failure that is due for a request, if one is. @internal */
  takeFailure(request: Entry): Failure | null {
    const failure = this.failures.find((due) => !due.match || matches(request, due.match));
    if (!failure) return null;
    failure.left -= 1;
    if (failure.left <= 0) this.failures = this.failures.filter((other) => other !== failure);
    return failure;
  }
}

/** The answer of a failure that does not cut the connection. @param form the provider's form of an error */
export function failureAnswer<Failure extends RequestFailure>(
  failure: Failure,
  form: (failure: Failure, status: number) => object,
): ApiAnswer {
  const { status = 500, headers, body } = failure;
  return { status, headers, body: body ?? form(failure, status) };
}

/** The milliseconds of a delay; `chance` in [0, 1) chooses within a range. */
export function delayMs(delay: Delay, chance: number): number {
  if (typeof delay === 'number') return delay;
  const [min, max] = delay;
  return min + chance * (max - min);
}
