import type { Beginning } from './log-intake.service.js';

/** What a walk has seen so far. */
export interface Progress extends Beginning {
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
