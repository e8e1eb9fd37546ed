import { Inject, Injectable } from '@nestjs/common';
import { aTarget, targetProblem } from '../handlers/targets/target.check.js';
import { SyncTargets } from '../handlers/targets/sync-targets.js';
import { Batches } from '../hydrate/batches.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import type { Target, TargetRow } from '../model/target.js';
import { UnrecoverableError } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { TargetCallService } from './target-call.service.js';

type Written = Error | null;

/** What is under way to one target. */
interface Line {
  readonly batches: Batches<TargetRow, Written>;
  /** The last write of each id that has not come to its end. */
  readonly last: Map<string, Promise<void>>;
}

/** Writes rows to targets, many by one call. */
@Injectable()
export class TargetsService extends SyncTargets {
  private readonly lines = new WeakMap<Target, Line>();

  constructor(
    private readonly calls: TargetCallService,
    private readonly traffic: PassTraffic,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    super();
  }

  save<Row extends object>(target: Target<Row>, id: string, row: Row): Promise<void> {
    return this.write(target, { id, row });
  }

  delete(target: Target, id: string): Promise<void> {
    return this.write(target, { id, row: null });
  }

  /** One after the other, where they are of one id: no call has an id twice, and the last that was asked for stands. */
  private async write(target: Target, row: TargetRow): Promise<void> {
    const { batches, last } = this.lineOf(target);
    const written = this.afterwards(last.get(row.id), () => batches.add(row));
    const ended = written.then(
      () => undefined,
      () => undefined,
    );
    last.set(row.id, ended);
    void ended.then(() => last.get(row.id) === ended && last.delete(row.id));
    const problem = await written;
    if (problem) throw problem;
  }

  private async afterwards<T>(before: Promise<void> | undefined, work: () => Promise<T>): Promise<T> {
    if (before) {
      // Who waits for that keeps no batch waiting.
      this.traffic.waiting += 1;
      await before;
      this.traffic.waiting -= 1;
    }
    return work();
  }

  /** @throws UnrecoverableError for what is no target, or none of this application */
  private lineOf(target: Target): Line {
    const known = this.lines.get(target);
    if (known) return known;
    const problem = this.problemOf(target);
    if (problem) throw new UnrecoverableError(`SyncTargets: ${problem}`);
    const { mostRows = 1 } = target;
    const batches = new Batches<TargetRow, Written>(mostRows, this.traffic, (rows) =>
      this.writeAll(target, rows),
    );
    const line = { batches, last: new Map<string, Promise<void>>() };
    this.lines.set(target, line);
    return line;
  }

  private problemOf(target: Target): string | null {
    if (!aTarget.fits(target)) return `what is written to must be ${aTarget.takes}`;
    try {
      return targetProblem(target, this.options.sources, 'a handler');
    } catch (error) {
      return (error as Error).message;
    }
  }

  private async writeAll(target: Target, rows: readonly TargetRow[]): Promise<Written[]> {
    try {
      const written = await this.calls.call(target, {
        forWhat: 'live',
        about: `${target.name} ${rows[0]!.id}`,
        request: async (context) => (await target.write(rows, context)) ?? [],
      });
      const silent = new Error(`${target.name} says nothing of this row`);
      return rows.map((_, i) => (written[i] === undefined ? silent : problemIn(written[i])));
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      return rows.map(() => problem);
    }
  }
}

/** A target of the host's may say what it likes. */
function problemIn(written: unknown): Written {
  return written === null || written instanceof Error
    ? written
    : new Error('a target says of a row what is neither null nor an error');
}
