import type { SourceHealth } from '../../model/health.js';

/** How fast a connection is polled, and how it is. */
export interface Pace {
  /** Between two walks; 0: as the options say. */
  readonly everyMs: number;
  readonly health: SourceHealth;
}

/** What a walk that came to the end of the log has seen. */
export interface WalkFindings {
  /** Events that a webhook should have brought, and has not although there was time. */
  readonly lost: number;
  /** Events that a webhook may still bring. */
  readonly early: number;
  /** A webhook was accepted since the connection is what it is. */
  readonly delivered: boolean;
}

/**
 * Polling is as fast as it may be while webhooks fail, and each walk after that is half as fast as the one before, down to
 * what the options say. Webhooks are trusted again when one has come and nothing was lost since; where nothing happens at
 * all they cannot show it, and polling slows down without them.
 */
export function nextPace(
  pace: Pace,
  { lost, early, delivered }: WalkFindings,
  { usualMs, fastestMs }: { readonly usualMs: number; readonly fastestMs: number },
): Pace {
  const atOnce = { everyMs: Math.min(fastestMs, usualMs), health: 'degraded' } as const;
  if (lost > 0) return atOnce;
  const degraded = pace.health === 'degraded' && !delivered;
  if (degraded && early > 0) return atOnce;
  const slower = pace.everyMs * 2;
  return { everyMs: slower >= usualMs ? 0 : slower, health: degraded ? 'degraded' : 'healthy' };
}
