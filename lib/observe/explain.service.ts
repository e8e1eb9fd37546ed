import { Injectable } from '@nestjs/common';
import { And, In, LessThanOrEqual, MoreThanOrEqual } from 'typeorm';
import { SyncDatabase } from '../database/sync.database.js';
import { SyncEventEntity, SyncMarkEntity, SyncPauseEntity, SyncRecordEntity } from '../entities/index.js';
import { eventIdPrefix } from '../model/keys.js';

const WAITING_FOR: Record<string, string> = {
  retry: 'a handler failed and is tried again then',
  'retry-later': 'a handler asked to be called again then',
  conflict: 'a handler lost against another transaction or the connection broke; no attempt was used',
  budget: 'its connection has no API calls left for the moment',
  'daily-limit': 'most of the API calls of the day are used, and it is not of what happens now',
  'rate-limited': 'the provider answered 429 and its connection is paused',
  'fetch-failed': 'the record could not be fetched and is tried again then',
  'provider-unavailable': 'the provider does not answer anyone; no attempt was used',
  'missing-confirm':
    'the provider does not find the record, which is asked for again before it counts as deleted',
  'delete-cap': 'too many records are missing at the provider to be believed',
  parent: 'a record that a handler requires is not there yet',
  'no-handler': 'it is left to a process that has a handler for it, which this one has not',
  paused: 'a handler that it waits for is paused, until SyncService.resume()',
};

const SKIPPED_BECAUSE: Record<string, string> = {
  'no-handler': 'no handler listens to its type, nor to changes of its resource',
  'before-start': 'it happened before the source’s start',
  'too-old': 'it was older than its handlers take',
  observed: 'its handlers only observe',
  erased: 'its record was erased',
};

/** Says in words why an event is where it is. Reads only. */
@Injectable()
export class ExplainService {
  constructor(private readonly database: SyncDatabase) {}

  /** @param eventId the provider's id of the event, or the inbox id */
  async explain(eventId: string): Promise<string> {
    const events = await this.find(eventId);
    if (events.length === 0)
      return `${eventId}: not in the inbox. It was never delivered here, was refused at the door, or is past its retention.`;
    const texts = await Promise.all(events.map((event) => this.explainOne(event)));
    return texts.join('\n');
  }

  private find(eventId: string): Promise<SyncEventEntity[]> {
    const prefix = eventIdPrefix(eventId);
    const first = Buffer.concat([prefix, Buffer.alloc(8)]);
    const last = Buffer.concat([prefix, Buffer.alloc(8, 0xff)]);
    const byEventId = { eventId, dedupeKey: And(MoreThanOrEqual(first), LessThanOrEqual(last)) };
    // An inbox id is a 64-bit number.
    const byInboxId = /^\d{1,18}$/.test(eventId) ? [{ id: eventId }] : [];
    const where = [byEventId, ...byInboxId];
    return this.database.repository(SyncEventEntity).find({ where, order: { id: 'ASC' } });
  }

  private async explainOne(event: SyncEventEntity): Promise<string> {
    const { recordKey } = event;
    const record = await this.database.repository(SyncRecordEntity).findOneBy({ recordKey });
    const marks = await this.database.repository(SyncMarkEntity).findBy({ recordKey });
    const about =
      `${event.source} event ${event.eventId ?? `#${event.id}`} (${event.type}) about ${event.resource} ` +
      `${event.recordId}, connection ${event.connectionId}, came by ${event.origin} at ${event.receivedAt.toISOString()}`;
    const isPaused = event.state === 'waiting' && (await this.isPaused(event));
    const sentences = [
      this.standing(event, record, isPaused),
      ...this.handlers(event, marks),
      ...this.remarks(event),
    ];
    return `${about}.\n  ${sentences.join('\n  ')}`;
  }

  private isPaused({ source, connectionId }: SyncEventEntity): Promise<boolean> {
    return this.database
      .repository(SyncPauseEntity)
      .existsBy({ source, handler: '', connectionId: In(['', connectionId]) });
  }

  private remarks({ error, reason, payload, origin }: SyncEventEntity): string[] {
    const gone = payload === null && origin === 'webhook' ? ['Its body is no longer kept.'] : [];
    if (!error) return gone;
    return [reason === 'observed' ? `It ${error}.` : `Last error: ${error}.`, ...gone];
  }

  private standing(event: SyncEventEntity, record: SyncRecordEntity | null, isPaused: boolean): string {
    const settledAt = event.settledAt?.toISOString();
    switch (event.state) {
      case 'completed':
        return `completed at ${settledAt}.`;
      case 'skipped':
        return `skipped at ${settledAt}: ${SKIPPED_BECAUSE[event.reason ?? ''] ?? event.reason}.`;
      case 'dead':
        return `dead since ${settledAt}: ${this.causeOfDeath(event)}`;
      case 'waiting':
        return this.waitingFor(event, record, isPaused);
    }
  }

  private causeOfDeath(event: SyncEventEntity): string {
    if (event.reason === 'unstorable')
      return 'what was delivered cannot be stored as an event; the body is kept as base64.';
    const deadBy = event.deadBy === null ? [] : (JSON.parse(event.deadBy) as string[]);
    if (event.reason === 'crashed')
      return 'workers that took it on did not come back. SyncService.replay() tries again.';
    const by = deadBy.map((name) => (name === 'hydrate' ? 'fetching the record' : name)).join(', ');
    return `${by} gave up. SyncService.replay({ id: '${event.id}' }) tries again.`;
  }

  private waitingFor(event: SyncEventEntity, record: SyncRecordEntity | null, isPaused: boolean): string {
    if (record?.leaseToken && record.leaseUntil)
      return `waiting; a worker has its record in hand, until ${record.leaseUntil.toISOString()} unless it is renewed.`;
    const until = event.availableAt.toISOString();
    if (isPaused) return 'waiting: its source or connection is paused, until SyncService.resume().';
    if (event.waitReason === 'paused') return `waiting: ${WAITING_FOR.paused}.`;
    if (event.waitReason)
      return `waiting until ${until}: ${WAITING_FOR[event.waitReason] ?? event.waitReason}.`;
    return `waiting since ${until} for a worker to take it on.`;
  }

  private handlers(event: SyncEventEntity, marks: SyncMarkEntity[]): string[] {
    const succeeded = event.succeededBy === null ? [] : (JSON.parse(event.succeededBy) as string[]);
    const lines = succeeded.length > 0 ? [`Done by ${succeeded.join(', ')}.`] : [];
    for (const mark of marks) {
      if (mark.eventId !== '0' && mark.eventId !== event.id) continue;
      if (mark.state === 'done') {
        if (mark.eventId === '0')
          lines.push(`${mark.handler} has seen version ${mark.version} of the record.`);
        continue;
      }
      const due = mark.dueAt ? `, again at ${mark.dueAt.toISOString()}` : '';
      lines.push(
        `${mark.handler}: ${mark.state} after ${mark.attempts} attempt(s)${due}; ${mark.error ?? 'no error'}.`,
      );
    }
    return lines;
  }
}
