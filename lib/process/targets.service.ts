import { Inject, Injectable } from '@nestjs/common';
import { SyncTargets } from '../handlers/targets/sync-targets.js';
import { Batches } from '../hydrate/batches.js';
import { Budget } from '../hydrate/budget.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import { ProviderCallService, type FailedCall } from '../hydrate/provider-call.service.js';
import { DEFAULT_CONNECTION } from '../model/record.js';
import type { Target, TargetRow } from '../model/target.js';
import { SyncClock } from '../sync.clock.js';
import { RetryLaterError } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** How long rows wait for a provider that does not answer, or lets nobody in. */
const RETRY_MS = 5_000;

type Written = Error | null;

/** Writes rows to targets, many by one call, on the budget of the source that the target belongs to. */
@Injectable()
export class TargetsService extends SyncTargets {
  private readonly batches = new WeakMap<Target, Batches<TargetRow, Written>>();

  constructor(
    private readonly calls: ProviderCallService,
    private readonly budget: Budget,
    private readonly traffic: PassTraffic,
    private readonly clock: SyncClock,
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

  private async write(target: Target, row: TargetRow): Promise<void> {
    let batches = this.batches.get(target);
    if (!batches) {
      batches = new Batches(target.mostRows ?? 1, this.traffic, (rows) => this.writeAll(target, rows));
      this.batches.set(target, batches);
    }
    const problem = await batches.add(row);
    if (problem) throw problem;
  }

  private async writeAll(target: Target, rows: readonly TargetRow[]): Promise<Written[]> {
    try {
      const written = await (target.source === undefined
        ? this.writeTo(target, rows)
        : this.writeAt(target, target.source, rows));
      const silent = new Error(`${target.name} says nothing of this row`);
      return rows.map((_, i) => (written[i] === undefined ? silent : written[i]));
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      return rows.map(() => problem);
    }
  }

  /** On its own: its limits are its own too. */
  private writeTo(target: Target, rows: readonly TargetRow[]): Promise<readonly Written[]> {
    const { fetchTimeoutMs: timeoutMs } = this.options;
    const signal = AbortSignal.timeout(timeoutMs);
    return target.write(rows, { connector: undefined, signal, timeoutMs, nowMs: this.clock.now() });
  }

  private async writeAt(
    target: Target,
    source: string,
    rows: readonly TargetRow[],
  ): Promise<readonly Written[]> {
    const connection = { source, connectionId: target.connectionId ?? DEFAULT_CONNECTION };
    const { connector } = this.options.sources[source]!;
    const grant = await this.budget.take(connection, 1, 'live');
    if (grant.granted === 0)
      throw new RetryLaterError({ afterMs: grant.retryInMs }, `${source}: ${grant.reason ?? 'budget'}`);
    const result = await this.calls.call(connection, `${target.name} ${rows[0]!.id}`, (options) =>
      target.write(rows, { connector, ...options }),
    );
    if (result.outcome === 'failed') throw errorOf(result);
    return result.answer;
  }
}

/** What is not this row's fault uses none of its attempts. */
function errorOf({ failure, message, pausedMs }: FailedCall): Error {
  if (failure === 'rejected') return new Error(message);
  return new RetryLaterError(
    { afterMs: Math.max(pausedMs, failure === 'rate-limited' ? 0 : RETRY_MS) },
    message,
  );
}
