import type { HandlerRegistry } from '../handlers/handler.registry.js';
import type { Budget } from '../hydrate/budget.js';
import type { HydrationService } from '../hydrate/hydration.service.js';
import type { WaitingEventsService } from '../inbox/waiting-events.service.js';
import type { CallClass } from '../hydrate/token-bucket.js';
import { isListedType, runOfType } from '../model/derived-type.js';
import type { ResolvedSyncOptions } from '../sync.options.js';
import type { DueRecord } from './dispatcher.js';

/**
 * Budget first, then the claim: a record that may have to be fetched is let through with a token in hand, so that no
 * lease is held while waiting for one. Those without go back to wait, spread over the time in which tokens come.
 */
export class Admission {
  private readonly holders = new WeakSet<DueRecord>();

  constructor(
    private readonly budget: Budget,
    private readonly registry: HandlerRegistry,
    private readonly hydration: HydrationService,
    private readonly waiting: WaitingEventsService,
    private readonly options: ResolvedSyncOptions,
    /** Told when each of those that were put off becomes due. */
    private readonly postponed: (inMs: number) => void,
  ) {}

  /** Those that may be claimed now. What goes wrong for one connection is told, and holds up no other. */
  async admit(records: readonly DueRecord[], failed: (error: unknown) => void): Promise<DueRecord[]> {
    const admitted = records.filter((record) => !this.needsToken(record));
    for (const lane of lanesOf(records.filter((record) => this.needsToken(record)))) {
      await this.admitLane(lane).then((granted) => admitted.push(...granted), failed);
    }
    return admitted;
  }

  private async admitLane(lane: readonly DueRecord[]): Promise<DueRecord[]> {
    const [first] = lane as [DueRecord];
    const most = this.hydration.mostByOneCall(first.source);
    const calls = callsFor(lane, most);
    const grant = await this.budget.take(first, calls.length, classOf(first));
    const granted = calls.slice(0, grant.granted);
    // What is read for several is needed as long as one of them needs it.
    granted.filter((records) => records.length === 1).forEach(([record]) => this.holders.add(record!));
    const refused = calls
      .slice(grant.granted)
      .flat()
      .map(({ recordKey }) => recordKey);
    if (refused.length > 0) {
      const everyMs = 1_000 / this.options.sources[first.source]!.callsPerSecond / most;
      await this.waiting.postpone(refused, grant.reason ?? 'budget', grant.retryInMs, everyMs);
      refused.forEach((_, i) => this.postponed(grant.retryInMs + i * everyMs));
    }
    return granted.flat();
  }

  /** These were let through and made no call: their tokens go back, where they had one. */
  async unspent(records: readonly DueRecord[]): Promise<void> {
    for (const lane of lanesOf(records.filter((record) => this.holders.delete(record)))) {
      await this.budget.giveBack(lane[0]!, lane.length);
    }
  }

  /** What was listed has its content with it, in most cases. */
  private needsToken(record: DueRecord): boolean {
    const { source, resource, types } = record;
    if (types && types.length > 0 && types.every(isListedType)) return false;
    return this.registry.mayHydrate(source, resource, types) && this.hydration.isFetchable(record);
  }
}

/** What nobody but a run has asked for can wait for what happens now. */
function classOf({ types = [] }: DueRecord): CallClass {
  const runs = types.map(runOfType);
  if (runs.length === 0 || runs.includes(null)) return 'live';
  return runs.includes('reconcile') ? 'reconcile' : 'backfill';
}

/** Which records each call reads: of one resource, and no more than it can. */
function callsFor(lane: readonly DueRecord[], most: number): DueRecord[][] {
  if (most === 1) return lane.map((record) => [record]);
  const calls: DueRecord[][] = [];
  for (const records of grouped(lane, ({ resource }) => resource)) {
    for (let from = 0; from < records.length; from += most) calls.push(records.slice(from, from + most));
  }
  return calls;
}

function lanesOf(records: readonly DueRecord[]): DueRecord[][] {
  return grouped(records, (record) => `${record.source} ${record.connectionId} ${classOf(record)}`);
}

function grouped(records: readonly DueRecord[], nameOf: (record: DueRecord) => string): DueRecord[][] {
  const groups = new Map<string, DueRecord[]>();
  for (const record of records) {
    const name = nameOf(record);
    const group = groups.get(name);
    if (group) group.push(record);
    else groups.set(name, [record]);
  }
  return [...groups.values()];
}
