import type { ApiRequestEntry } from './api-request.js';
import { matches } from './call-log.js';
import type { LogMatch } from './call-log.js';

/** A request that is being held. */
export interface HeldRequest {
  /** Resolves when the request is there and waits. */
  readonly reached: Promise<ApiRequestEntry>;
  /** Lets it go on; before it has come, lets it pass when it comes. */
  release(): void;
}

/** `arrival`: nothing was read yet. `answer`: everything was read and done, and only the answer is missing. */
export type HoldPoint = 'arrival' | 'answer';

interface Gate {
  readonly match: LogMatch<ApiRequestEntry>;
  readonly point: HoldPoint;
  readonly arrive: (request: ApiRequestEntry) => void;
  readonly opened: Promise<void>;
  readonly open: () => void;
}

/** Holds single requests at a chosen moment, so that a test can try an interleaving without sleeping. */
export class Gates {
  private waiting: Gate[] = [];
  private readonly entered = new Set<Gate>();

  /** Holds the next request that matches. Each gate holds one. */
  hold(match: LogMatch<ApiRequestEntry>, point: HoldPoint): HeldRequest {
    let arrive!: (request: ApiRequestEntry) => void;
    let open!: () => void;
    const reached = new Promise<ApiRequestEntry>((resolve) => (arrive = resolve));
    const opened = new Promise<void>((resolve) => (open = resolve));
    this.waiting.push({ match, point, arrive, opened, open });
    return { reached, release: open };
  }

  /** Waits at a gate, if there is one for this request and moment. */
  async pass(request: ApiRequestEntry, point: HoldPoint): Promise<void> {
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
