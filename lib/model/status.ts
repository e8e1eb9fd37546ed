import type { ApiUsage } from './connector.js';
import type { SourceHealth } from './health.js';
import type { RunKind, RunState } from './run.js';

/** How one connection of a source is. Times are the database's. */
export interface ConnectionStatus {
  readonly source: string;
  readonly connectionId: string;
  /** `null`: it is not polled, and nobody can tell. */
  readonly health: SourceHealth | null;
  /** Since when it is; `null`: it always was. */
  readonly healthSince: Date | null;
  /** What the provider said when it was read in vain last. */
  readonly error: string | null;
  /** When its log was last read to its end: all that happened before is known. */
  readonly polledAt: Date | null;
  readonly nextPollAt: Date | null;
  /** About when a webhook was last accepted, if it is polled too. */
  readonly deliveredAt: Date | null;
  /** What the provider last said to this process of its API calls of the day; `null`: nothing, or there is no such limit. */
  readonly usage: ApiUsage | null;
  /** What the provider tells by itself over a connection that is kept open; `null`: nothing. */
  readonly stream: {
    readonly open: boolean;
    /** When it was opened last. */
    readonly openedAt: Date | null;
    /** Why it is not open. */
    readonly error: string | null;
  } | null;
  /** An operator has paused it, or its source. */
  readonly paused: boolean;
  /** No further is counted below: where so many wait, or have died, it is at least so many. */
  readonly countedTo: number;
  /** Events that wait; of more than `countedTo`, those that are due first. */
  readonly waiting: {
    readonly count: number;
    /** Since when the oldest of these does. */
    readonly since: Date | null;
    /** How many of them for what; `due` for nothing. */
    readonly reasons: Readonly<Record<string, number>>;
  };
  /** Events that died and have not been replayed. */
  readonly dead: number;
  /** By resource: when its newest event happened, of the last few thousand events. */
  readonly newest: Readonly<Record<string, Date>>;
  /** The last run of each kind. */
  readonly runs: readonly {
    readonly id: string;
    readonly kind: RunKind;
    readonly state: RunState;
    readonly startedAt: Date;
    readonly finishedAt: Date | null;
  }[];
}
