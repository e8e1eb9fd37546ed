import { Injectable } from '@nestjs/common';
import { SyncTargets } from '../handlers/targets/sync-targets.js';
import { Batches } from '../hydrate/batches.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import type { Target, TargetRow } from '../model/target.js';
import { TargetCallService } from './target-call.service.js';

type Written = Error | null;

/** Writes rows to targets, many by one call. */
@Injectable()
export class TargetsService extends SyncTargets {
  private readonly batches = new WeakMap<Target, Batches<TargetRow, Written>>();

  constructor(
    private readonly calls: TargetCallService,
    private readonly traffic: PassTraffic,
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
      const written = await this.calls.call(target, {
        forWhat: 'live',
        about: `${target.name} ${rows[0]!.id}`,
        request: (context) => target.write(rows, context),
      });
      const silent = new Error(`${target.name} says nothing of this row`);
      return rows.map((_, i) => (written[i] === undefined ? silent : written[i]));
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      return rows.map(() => problem);
    }
  }
}
