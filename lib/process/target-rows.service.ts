import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Target, TargetContext, TargetRow } from '../model/target.js';
import { RetryLaterError } from '../sync.errors.js';
import { TargetCallService } from './target-call.service.js';

/** What is so near, the budget of the next second say, is waited for here. */
const SOON_MS = 1_000;
const LEAST_MS = 20;

/** Reads rows of targets as they stand, many by one call. */
@Injectable()
export class TargetRowsService {
  constructor(private readonly calls: TargetCallService) {}

  /**
   * @returns the rows, in the order in which they are asked for; `null`: there is none
   * @throws RetryLaterError; what `read` throws; the signal's reason
   */
  async rowsAt(
    target: Target,
    rows: readonly TargetRow[],
    signal: AbortSignal,
  ): Promise<readonly (object | null)[]> {
    const most = target.mostRows ?? 1;
    const found: (object | null)[] = [];
    for (let at = 0; at < rows.length; at += most)
      found.push(...(await this.readSome(target, rows.slice(at, at + most), signal)));
    return found;
  }

  private async readSome(
    target: Target,
    rows: readonly TargetRow[],
    signal: AbortSignal,
  ): Promise<(object | null)[]> {
    for (;;) {
      signal.throwIfAborted();
      try {
        const found = await this.calls.call(target, {
          forWhat: 'reconcile',
          about: `read ${target.name} ${rows[0]!.id}`,
          request: (context) => target.read!(rows, endingWith(context, signal)),
        });
        return rows.map((_, i) => rowOf(target, found[i]));
      } catch (error) {
        if (!(error instanceof RetryLaterError) || error.afterMs > SOON_MS) throw error;
        await setTimeout(Math.max(error.afterMs, LEAST_MS), undefined, { signal });
      }
    }
  }
}

function endingWith(context: TargetContext, signal: AbortSignal): TargetContext {
  return { ...context, signal: AbortSignal.any([context.signal, signal]) };
}

function rowOf({ name }: Target, found: unknown): object | null {
  if (typeof found === 'object') return found;
  throw new TypeError(`read() of ${name} must return for each row its fields, or null`);
}
