import { EntitySchema } from 'typeorm';
import { hasPartialIndexes, type SyncDatabaseType } from './column-types.js';
import { columnsFor, optional, named } from './columns.js';
import type { EventOrigin, EventState } from '../model/event.js';

/** The inbox: one row for each event, from before the provider is thanked for it until long after it is settled. */
export class SyncEventEntity {
  /** Counts up as rows are inserted, which is not the order in which they commit. */
  id!: string;

  /** 16 bytes, equal for every delivery of one event about one record. */
  dedupeKey!: Buffer;

  source!: string;

  connectionId!: string;

  resource!: string;

  /** The record's id; `event:<dedupe key>` for an event about nothing that has one. */
  recordId!: string;

  /** 16 bytes that name the record. */
  recordKey!: Buffer;

  /** The provider's id of the event. */
  eventId!: string | null;

  type!: string;

  origin!: EventOrigin;

  /** The provider says that the record is gone. */
  deletion!: boolean;

  /** By the provider's clock. */
  occurredAt!: Date | null;

  receivedAt!: Date;

  state!: EventState;

  /** Why it is `skipped` or `dead`, where no handler's error says it. */
  reason!: string | null;

  /** While waiting: not to be run before this. */
  availableAt!: Date;

  /** While waiting: for what. */
  waitReason!: string | null;

  /** It came after a newer event of its record had been handled; null: not decided yet. */
  late!: boolean | null;

  replayedAt!: Date | null;

  /** How often all its handlers were made to run again; part of the idempotency key. */
  replayNo!: number;

  /** JSON array: the names of the handlers that are done with it. */
  succeededBy!: string | null;

  /** JSON array: the names of the handlers that gave up. */
  deadBy!: string | null;

  /** The last error's message, cut short. */
  error!: string | null;

  settledAt!: Date | null;

  /**
   * What the provider sent, as text; base64 of the whole body where `reason` is `unstorable`; with a ticket, the record as it
   * was listed.
   */
  payload!: string | null;

  /** Drawn before the record was listed: whether that is newer than what is stored. */
  ticket!: string | null;
}

/** Waiting, and something is known to hold it up. */
const HELD = `state = 'waiting' AND wait_reason IS NOT NULL`;

export function eventSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncEventEntity> {
  const { id, reference, digest, text, longText, flag, time, timeOfInsert, count } = columnsFor(database);
  const partial = hasPartialIndexes(database);
  return new EntitySchema<SyncEventEntity>({
    name: SyncEventEntity.name,
    target: SyncEventEntity,
    tableName: 'sync_event',
    columns: named({
      id: id(),
      dedupeKey: digest('dedupe_key'),
      source: text(64),
      connectionId: text(255, 'connection_id'),
      resource: text(255),
      recordId: text(255, 'record_id'),
      recordKey: digest('record_key'),
      eventId: optional(text(255, 'event_id')),
      type: text(255),
      origin: text(16),
      deletion: { ...flag(), default: false },
      occurredAt: optional(time('occurred_at')),
      receivedAt: timeOfInsert('received_at'),
      state: { ...text(16), default: 'waiting' },
      reason: optional(text(32)),
      availableAt: timeOfInsert('available_at'),
      waitReason: optional(text(32, 'wait_reason')),
      late: optional(flag()),
      replayedAt: optional(time('replayed_at')),
      replayNo: count('replay_no'),
      succeededBy: longText('succeeded_by'),
      deadBy: longText('dead_by'),
      error: longText(),
      settledAt: optional(time('settled_at')),
      payload: longText(),
      ticket: optional(reference('ticket')),
    }),
    indices: [
      { name: `${prefix}UQ_sync_event_dedupe`, columns: ['dedupeKey'], unique: true },
      {
        name: `${prefix}IX_sync_event_due`,
        columns: [...(partial ? [] : ['state']), 'source', 'connectionId', 'availableAt'],
        ...(partial && { where: `state = 'waiting'` }),
      },
      {
        name: `${prefix}IX_sync_event_record`,
        columns: ['recordKey'],
        ...(partial && { where: `state IN ('waiting', 'dead')` }),
      },
      ...(partial
        ? [
            {
              name: `${prefix}IX_sync_event_dead`,
              columns: ['source', 'settledAt'],
              where: `state = 'dead'`,
            },
            {
              name: `${prefix}IX_sync_event_unhandled`,
              columns: ['source', 'settledAt'],
              where: `state = 'skipped' AND reason = 'no-handler'`,
            },
            {
              name: `${prefix}IX_sync_event_held`,
              columns: ['source', 'connectionId', 'waitReason', 'receivedAt'],
              where: HELD,
            },
          ]
        : [{ name: `${prefix}IX_sync_event_settled`, columns: ['state', 'source', 'settledAt'] }]),
    ],
  });
}
