import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import type { ChangeHandler, ReadRecord, TargetReading } from '../../handlers/sync-handler.js';
import type { ListedRecord } from '../../model/listing.js';
import type { RecordKey } from '../../model/record.js';
import { showAgainStatement } from '../../process/mark.statements.js';
import { TargetRowsService } from '../../process/target-rows.service.js';
import { withinTime } from '../../process/within-time.js';
import { ProviderError, RetryLaterError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { ComparisonService, type Compared, type Comparison } from './comparison.service.js';

/** What handlers have made of some records could not be read. */
export class TargetReadError extends Error {
  /** @param afterMs it is nobody's fault, and may be tried again then; null: it may be for good */
  constructor(
    message: string,
    readonly afterMs: number | null,
  ) {
    super(message);
  }
}

/** A page of them is to be compared within this time, or within half of the run's lease. */
const MOST_MS = 30_000;

/** A record of which a target says something else than the handlers that write to it would. */
export interface LocalDifference {
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  readonly version: number;
  /** Names of those handlers. */
  readonly handlers: readonly string[];
}

/** Compares listed records with what handlers have made of them, in the host's tables and elsewhere, where they can tell. */
@Injectable()
export class TargetComparisonService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
    private readonly comparisons: ComparisonService,
    private readonly rows: TargetRowsService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Of those that are known as they are listed. Reads of networks too: no transaction may be open. @throws TargetReadError */
  async differences(
    place: Omit<RecordKey, 'id'>,
    records: readonly ListedRecord[],
  ): Promise<LocalDifference[]> {
    const telling = this.registry
      .changeHandlers(place.source, place.resource)
      .filter((handler) => handler.differing);
    if (telling.length === 0 || records.length === 0) return [];
    const query = this.database.query.bind(this.database);
    const known = knownOf(await this.comparisons.compare(query, place, records));
    const readable = known.flatMap(({ record, version, listed: { data } }) =>
      data === null ? [] : [{ record: { ...record, version }, data }],
    );
    if (readable.length === 0) return [];
    const handlers = new Map<string, string[]>();
    // The run is to be this process' still when they are told of.
    const limit = { untilMs: performance.now() + this.limitMs, signal: AbortSignal.timeout(this.limitMs) };
    for (const handler of telling) {
      for (const id of await this.differing(handler, readable, limit))
        handlers.set(id, [...(handlers.get(id) ?? []), handler.name]);
    }
    return known.flatMap(({ record, recordKey, version }) => {
      const names = handlers.get(record.id);
      return names ? [{ record, recordKey, version, handlers: names }] : [];
    });
  }

  /** Those whose records nobody has touched since they were found: what has changed meanwhile was shown to its handlers. */
  stillThere(differences: readonly LocalDifference[], comparison: Comparison): LocalDifference[] {
    const known = knownOf(comparison);
    return differences.filter(({ recordKey, version }) =>
      known.some((each) => each.recordKey.equals(recordKey) && each.version === version),
    );
  }

  /**
   * Has these handlers shown the records again, as they are. What a handler has given up on is left to an operator's replay.
   * @returns those that are shown to any
   */
  async showAgain(query: Query, differences: readonly LocalDifference[]): Promise<LocalDifference[]> {
    const givenUp = await this.givenUp(query, differences);
    const again = differences.flatMap((each) => {
      const handlers = each.handlers.filter((name) => !givenUp.has(markOf(each.recordKey, name)));
      return handlers.length === 0 ? [] : [{ ...each, handlers }];
    });
    for (const { recordKey, handlers } of again) {
      const { sql, params } = showAgainStatement(this.database, [recordKey], handlers);
      await query(sql, params);
    }
    return again;
  }

  private get limitMs(): number {
    return Math.min(MOST_MS, Math.ceil(this.options.leaseMs / 2));
  }

  private async differing(
    handler: ChangeHandler,
    records: readonly ReadRecord[],
    { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
  ): Promise<Set<string>> {
    const { manager } = this.database.host;
    const rowsAt: TargetReading['rowsAt'] = (target, rows) => this.rows.rowsAt(target, rows, signal);
    try {
      const leftMs = Math.max(1, untilMs - performance.now());
      return await withinTime(leftMs, handler.differing!(records, { manager, rowsAt }));
    } catch (error) {
      // A host's function, or another system: it is told whose, and other resources are compared all the same.
      throw new TargetReadError(
        `the rows of ${handler.label} could not be read: ${String(error)}`,
        afterMsOf(error),
      );
    }
  }

  private async givenUp(query: Query, differences: readonly LocalDifference[]): Promise<Set<string>> {
    if (differences.length === 0) return new Set();
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const keys = differences.map(({ recordKey }) => recordKey);
    const rows = await query<{ record_key: Buffer; handler: string }>(
      `SELECT record_key, handler FROM ${tables.mark}
       WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)} AND event_id = 0 AND state = 'dead'`,
      params,
    );
    return new Set(rows.map(({ record_key: key, handler }) => markOf(key, handler)));
  }
}

/** What is known as it is listed, and what is there but not known yet: adopted rows. */
function knownOf({ alike, different }: Comparison): Compared[] {
  return [...alike, ...different.filter(({ kind, listed: { data } }) => kind === 'unsure' && data !== null)];
}

function markOf(recordKey: Buffer, handler: string): string {
  return `${recordKey.toString('hex')} ${handler}`;
}

function afterMsOf(error: unknown): number | null {
  if (error instanceof RetryLaterError) return error.afterMs;
  return error instanceof ProviderError && error.failure !== 'rejected' ? (error.retryAfterMs ?? 0) : null;
}
