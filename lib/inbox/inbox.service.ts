import { Inject, Injectable, Logger } from '@nestjs/common';
import { isDataError, isDeadlock } from '../database/database.errors.js';
import { SyncDatabase, type Query } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { acceptStatement } from './accept.statement.js';
import { IdempotencyService } from './idempotency.service.js';
import { InboxUnavailableError } from './inbox.errors.js';
import type { InboxRow } from './inbox-row.js';
import { LoopTurn } from './loop-turn.js';
import { messageOf } from '../model/message-of.js';

/**
 * Above about a hundred rows an insert gains nothing more for each; but a process that has too much to do comes to ask
 * for the next one so seldom that it had better take what there is.
 */
const BATCH_ROWS = 1_000;

/** In one message to the database: MariaDB takes 16 MB, and quotes count twice. */
const BATCH_BYTES = 4 * 1_048_576;

/** What may wait to be stored, beside the limit of the options: large bodies must not fill the memory. */
const QUEUE_BYTES = 64 * 1_048_576;

/** The rows of one delivery: stored all or none. */
interface Entry {
  readonly rows: readonly InboxRow[];
  readonly bytes: number;
  /** How long it may wait, by `performance.now()`. */
  readonly until: number;
  stored(): void;
  failed(error: InboxUnavailableError): void;
}

/**
 * Stores events. What arrives while an insert is under way shares the next one: no timer, so nothing is added to the
 * first of them; a thousand deliveries at once cost ten commits.
 */
@Injectable()
export class InboxService {
  private readonly logger = new Logger(InboxService.name);
  private readonly queue: Entry[] = [];
  private queuedRows = 0;
  private queuedBytes = 0;
  private flushing = false;
  private readonly turn = new LoopTurn();

  constructor(
    private readonly database: SyncDatabase,
    private readonly idempotency: IdempotencyService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** No delivery can be taken now, however small: too many wait, or this one has waited for too long. */
  get isClosed(): boolean {
    const { inboxQueueLimit } = this.options;
    return this.queuedRows >= inboxQueueLimit || this.queuedBytes >= QUEUE_BYTES || isOver(this.until);
  }

  /**
   * Resolves when the events are committed, those known before included.
   * @throws InboxUnavailableError if they may not be: send them again.
   */
  accept(rows: readonly InboxRow[]): Promise<void> {
    if (rows.length === 0) return Promise.resolve();
    const bytes = rows.reduce((sum, row) => sum + (row.payload?.length ?? 0), 0);
    if (
      this.queuedRows + rows.length > this.options.inboxQueueLimit ||
      this.queuedBytes + bytes > QUEUE_BYTES
    )
      return Promise.reject(new InboxUnavailableError('full'));
    const { until } = this;
    if (isOver(until)) return Promise.reject(new InboxUnavailableError('slow'));

    return new Promise((resolve, reject) => {
      const entry: Entry = {
        rows,
        bytes,
        until,
        stored: () => {
          clearTimeout(timer);
          resolve();
        },
        failed: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => this.abandon(entry), this.options.acceptTimeoutMs);
      this.queue.push(entry);
      this.queuedRows += rows.length;
      this.queuedBytes += bytes;
      if (!this.flushing) void this.flush();
    });
  }

  /**
   * Stores events as part of a transaction: those of a page, with the cursor that passes them.
   * @returns those that were not known before
   */
  async acceptWithin(query: Query, rows: readonly InboxRow[]): Promise<InboxRow[]> {
    const fresh: InboxRow[] = [];
    for (let at = 0; at < rows.length; at += BATCH_ROWS) {
      const batch = rows.slice(at, at + BATCH_ROWS);
      const { tables, dialect } = this.database;
      const params: unknown[] = [];
      const keys = batch.map(({ dedupeKey }) => dedupeKey);
      const known = await query<{ dedupe_key: Buffer }>(
        `SELECT dedupe_key FROM ${tables.event} WHERE ${dialect.isOneOf('dedupe_key', 'digest', keys, params)}`,
        params,
      );
      const seen = new Set(known.map(({ dedupe_key: key }) => key.toString('hex')));
      const unseen = batch.filter(({ dedupeKey }) => !seen.has(dedupeKey.toString('hex')));
      if (unseen.length === 0) continue;
      const { sql, params: values } = acceptStatement(this.database, unseen);
      await query(sql, values);
      fresh.push(...unseen);
    }
    return fresh;
  }

  /** What comes now has come in this turn of the event loop, and waits since its beginning if need be. */
  private get until(): number {
    return this.turn.since + this.options.acceptTimeoutMs;
  }

  /** The sender is told to try again; should the row still be stored, the next delivery of it is a duplicate. */
  private abandon(entry: Entry): void {
    const at = this.queue.indexOf(entry);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.forget(entry);
    }
    entry.failed(new InboxUnavailableError('slow'));
  }

  private async flush(): Promise<void> {
    this.flushing = true;
    for (let batch = this.nextBatch(); batch.length > 0; batch = this.nextBatch()) {
      try {
        await this.insert(batch.flatMap((entry) => entry.rows));
        batch.forEach((entry) => entry.stored());
      } catch (error) {
        await this.recover(batch, error);
      }
    }
    this.flushing = false;
  }

  private nextBatch(): Entry[] {
    const batch: Entry[] = [];
    let rows = 0;
    let bytes = 0;
    for (let next = this.queue[0]; next; next = this.queue[0]) {
      // Its timer comes late in a turn that lasts.
      if (isOver(next.until)) {
        this.abandon(next);
        continue;
      }
      rows += next.rows.length;
      bytes += next.bytes;
      if (batch.length > 0 && (rows > BATCH_ROWS || bytes > BATCH_BYTES)) break;
      batch.push(next);
      this.queue.shift();
      this.forget(next);
    }
    return batch;
  }

  private forget({ rows, bytes }: Entry): void {
    this.queuedRows -= rows.length;
    this.queuedBytes -= bytes;
  }

  /** One row that the database refuses must not take its neighbours with it. */
  private async recover(batch: Entry[], error: unknown): Promise<void> {
    if (!isDataError(error) && !isDeadlock(error)) {
      this.logger.error(`events could not be stored: ${messageOf(error)}`);
      return batch.forEach((entry) => entry.failed(new InboxUnavailableError('database', { cause: error })));
    }
    for (const entry of batch) {
      try {
        await this.insert(entry.rows).catch((refusal: unknown) => {
          if (!isDataError(refusal)) throw refusal;
          this.logger.warn(`an event is kept as unstorable: ${messageOf(refusal)}`);
          return this.insert(entry.rows.map((row) => this.unstorable(row)));
        });
        entry.stored();
      } catch (failure) {
        entry.failed(new InboxUnavailableError('database', { cause: failure }));
      }
    }
  }

  private unstorable(row: InboxRow): InboxRow {
    const { source, connectionId } = row.record;
    return this.idempotency.unstorableRow(source, connectionId, Buffer.from(row.payload ?? ''));
  }

  private async insert(rows: readonly InboxRow[]): Promise<void> {
    const { sql, params } = acceptStatement(this.database, rows);
    await this.database.store(sql, params);
  }
}

function isOver(until: number): boolean {
  return performance.now() > until;
}
