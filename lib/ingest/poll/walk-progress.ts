/** What a walk has seen so far. */
export interface Progress {
  /** What of the log there are handlers for. */
  readonly wanted: readonly string[];
  /** From when on, where there is no position. */
  readonly since: Date;
  /** It reads what was read before: nothing in it is news. */
  readonly again: boolean;
  pages: number;
  readonly fresh: { readonly type: string; readonly resource: string; readonly occurredAt: Date | null }[];
  position: string | null;
  atEnd: boolean;
}

/** Why a walk has stopped before the end of the log, and when it goes on. */
export interface WalkStop {
  readonly dueInMs: number;
  readonly failed?: { readonly failure: string; readonly message: string };
}
