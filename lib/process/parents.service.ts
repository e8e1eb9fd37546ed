import { Injectable } from '@nestjs/common';
import { numberIn, optionalNumberIn } from '../database/row-values.js';
import { SyncDatabase } from '../database/sync.database.js';
import type { RequiredRecord } from '../handlers/handler.options.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { Budget } from '../hydrate/budget.js';
import { IdempotencyService } from '../inbox/idempotency.service.js';
import { InboxService } from '../inbox/inbox.service.js';
import { recordKeyOf } from '../model/keys.js';
import type { RecordKey } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { LeaseService } from './lease.service.js';
import type { Work } from './work.js';

/** Parents of parents of parents: deeper than any real data. */
const MAX_DEPTH = 5;

/** How long a child waits for a parent that another worker has in hand, half as much more or less. */
const RETRY_MS = 1_000;

/** A parent that waits itself may become known sooner, by an event of its own. */
const LONGEST_WAIT_MS = 60_000;

interface Missing {
  readonly key: RecordKey;
  readonly dueInMs: number;
  /** It is known, and its handlers are at it for the first time: nothing is to be done for it. */
  readonly isUnderWay: boolean;
}

/** The records that a pass is run for, itself the last: what requires one of them must not wait for it. */
export type Lineage = readonly string[];

/**
 * Sees to it that the records which a handler requires are there. Those that are missing are fetched and handled at
 * once, by passes of their own; nobody waits, so records that require each other cannot block.
 */
@Injectable()
export class ParentsService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly leases: LeaseService,
    private readonly budget: Budget,
    private readonly clock: SyncClock,
  ) {}

  /**
   * For how long the child has to wait, in milliseconds. 0: it may go on, its parents are known, deleted, dead or
   * never to be known.
   * @param run runs a parent's pass
   */
  async waitMs(
    child: RecordKey,
    required: readonly RequiredRecord[],
    lineage: Lineage,
    run: (work: Work) => Promise<unknown>,
  ): Promise<number> {
    const parents = this.parentsOf(child, required, lineage);
    const missing = await this.missing(parents);
    if (missing.length === 0) return 0;
    const retryMs = RETRY_MS * (0.5 + this.clock.random());
    if (lineage.length > MAX_DEPTH) return retryMs;

    const cause = recordKeyOf(child).toString('hex');
    const unknown = missing.filter(({ isUnderWay }) => !isUnderWay);
    await this.inbox.accept(unknown.map(({ key }) => this.idempotency.derivedRow(key, 'parent', cause)));
    for (const { key } of unknown) await this.handle(key, run);
    const stillMissing = await this.missing(missing.map(({ key }) => key));
    if (stillMissing.length === 0) return 0;
    // Each time that the child looks again, it is fetched again: not before a parent that waits has had its turn.
    const dueInMs = Math.max(...stillMissing.map((parent) => parent.dueInMs));
    return Math.max(retryMs, Math.min(dueInMs, LONGEST_WAIT_MS) + retryMs / 4);
  }

  private parentsOf(child: RecordKey, required: readonly RequiredRecord[], lineage: Lineage): RecordKey[] {
    const parents = new Map<string, RecordKey>();
    for (const [resource, reference] of required) {
      const id = typeof reference === 'object' && reference !== null ? reference.id : reference;
      if (!id) continue;
      const parent = { source: child.source, connectionId: child.connectionId, resource, id };
      const key = recordKeyOf(parent).toString('hex');
      if (!lineage.includes(key) && this.registry.changeHandlers(parent.source, resource).length > 0)
        parents.set(key, parent);
    }
    return [...parents.values()];
  }

  private async handle(parent: RecordKey, run: (work: Work) => Promise<unknown>): Promise<void> {
    const { granted } = await this.budget.take(parent, 1, 'live');
    if (granted === 0) return;
    const [work] = await this.leases.claim([recordKeyOf(parent)], { early: true });
    if (work) await run(work);
    else await this.budget.giveBack(parent, 1);
  }

  /**
   * Never saved and not deleted, or saved by a pass that has not come to its end yet; one whose events have all died, with
   * none waiting, is past waiting for.
   */
  private async missing(parents: readonly RecordKey[]): Promise<Missing[]> {
    if (parents.length === 0) return [];
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [];
    const areTheirs = dialect.isOneOf('record_key', 'digest', parents.map(recordKeyOf), params);
    const known = await this.database.query<{ record_key: Buffer; under_way: unknown }>(
      `SELECT record_key, CASE WHEN version = 1 AND deleted_at IS NULL AND lease_token IS NOT NULL AND lease_until > ${now}
         THEN 1 ELSE 0 END AS under_way
       FROM ${tables.record} WHERE ${areTheirs} AND (version > 0 OR deleted_at IS NOT NULL)`,
      params,
    );
    const events = await this.database.query<{ record_key: Buffer; waiting: unknown; due_in_ms: unknown }>(
      `SELECT record_key, SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS waiting,
         MIN(CASE WHEN state = 'waiting' THEN ${dialect.elapsedMs(now, 'available_at')} END) AS due_in_ms
       FROM ${tables.event} WHERE ${areTheirs} AND state IN ('waiting', 'dead') GROUP BY record_key`,
      params,
    );
    return parents.flatMap((key) => {
      const isOf = (row: { record_key: Buffer }) => row.record_key.equals(recordKeyOf(key));
      const record = known.find(isOf);
      const isUnderWay = record !== undefined && numberIn(record.under_way) === 1;
      if (record && !isUnderWay) return [];
      const its = events.find(isOf);
      if (its && numberIn(its.waiting) === 0) return [];
      return [{ key, dueInMs: optionalNumberIn(its?.due_in_ms) ?? 0, isUnderWay }];
    });
  }
}
