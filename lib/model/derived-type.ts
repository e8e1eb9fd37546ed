import type { EventOrigin } from './event.js';

/** The type of an event that nobody sent. @param listed its record's content travels with it */
export function derivedType(origin: EventOrigin, listed: boolean): string {
  return listed ? `sync.${origin}.listed` : `sync.${origin}`;
}

/** Whether its record's content travels with it. */
export function isListedType(type: string): boolean {
  return LISTED.test(type);
}

/** The type of the same event without that content. */
export function withoutListed(type: string): string {
  return type.replace(LISTED, '$1');
}

/** What a run has made it for; null: no run has. */
export function runOfType(type: string): 'backfill' | 'reconcile' | 'project' | null {
  return (OF_RUN.exec(type)?.[1] ?? null) as ReturnType<typeof runOfType>;
}

const LISTED = /^(sync\.\w+)\.listed$/;
const OF_RUN = /^sync\.(backfill|project|reconcile)(?:\.listed)?$/;
