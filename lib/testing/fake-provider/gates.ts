import type { RequestEntry } from './api-request.js';
import { matches } from './call-log.js';
import type { LogMatch } from './call-log.js';

/** A request that is being held. */
export interface HeldRequest<Entry extends RequestEntry = RequestEntry> {
  /** Resolves when the request is there and waits. */
  readonly reached: Promise<Entry>;
  /** Lets it go on; before it has come, lets it pass when it comes. */
  release(): void;
}

/** `arrival`: nothing was read yet. `answer`: everything was read and done, and only the answer is missing. */
export type HoldPoint = 'arrival' | 'answer';

interface Gate<Entry> {
  readonly match: LogMatch<Entry>;
  readonly point: HoldPoint;
  readonly arrive: (request: Entry) => void;
  readonly opened: Promise<void>;
  readonly open: () => void;
}

/** Holds single requests at a chosen moment, so that a test can try an interleaving without sleeping. */
export class Gates<Entry extends RequestEntry> {
  private waiting: Gate<Entry>[] = [];
  private readonly entered = new Set<Gate<Entry>>();

  /** Holds the next request that matches. Each gate holds one. */
  hold(match: LogMatch<Entry>, point: HoldPoint): HeldRequest<Entry> {
    let arrive!: (request: Entry) => void;
    let open!: () => void;
    const reached = new Promise<Entry>((resolve) => (arrive = resolve));
    const opened = new Promise<void>((resolve) => (open = resolve));
    this.waiting.push({ match, point, arrive, opened, open });
    return { reached, release: open };
  }

  /** Waits at a gate, if there is one for this request and moment. */
  async pass(request: Entry, point: HoldPoint): Promise<void> {
    const gate = this.waiting.find((other) => other.point === point && matches(request, other.match));
    if (!gate) return;
    this.waiting = this.waiting.filter((other) => other !== gate);
    this.entered.add(gate);
    gate.arrive(request);
    await gate.opened;
    this.entered.delete(gate);
  }

  /** Lets all go on. */
  openAll(): void {
    this.waiting = [];
    this.entered.forEach((gate) => gate.open());
  }
}
