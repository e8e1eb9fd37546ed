import type { SkipReason, WaitReason } from '../model/event.js';

/** What a pass makes of an event that it had before it. */
export type EventOutcome = {
  readonly id: string;
  /** Null: still not decided. */
  readonly late: boolean | null;
} & (
  | {
      readonly state: 'waiting';
      readonly waitReason: WaitReason;
      /** From now. */
      readonly availableInMs: number;
      readonly error: string | null;
    }
  | { readonly state: 'completed'; readonly succeededBy: readonly string[] }
  | {
      readonly state: 'skipped';
      readonly reason: SkipReason;
      /** Names of handlers that only observed. */
      readonly observedBy?: readonly string[];
    }
  | {
      readonly state: 'dead';
      readonly reason: 'crashed' | null;
      readonly succeededBy: readonly string[];
      readonly deadBy: readonly string[];
      readonly error: string | null;
    }
);
