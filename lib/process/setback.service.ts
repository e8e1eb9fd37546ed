import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import type { ChangeHandler } from '../handlers/sync-handler.js';
import { IdempotencyService } from '../inbox/idempotency.service.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { ClaimedRecord, Work } from './work.js';

/**
 * A handler without a transaction has written elsewhere, and then found its lease lost: someone else may have written
 * something newer before it. So its mark is set back, whoever holds the record, and the record is looked at again:
 * the newest state is written once more.
 */
@Injectable()
export class SetbackService {
  /** What could not be set back, since the database was away. */
  private leftOver: (() => Promise<void>)[] = [];

  constructor(
    private readonly database: SyncDatabase,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
  ) {}

  /** Now, or with a sweep, if the database is away: nobody else knows of it. */
  async setBack({ record }: Work, handler: ChangeHandler): Promise<void> {
    this.leftOver.push(() => this.write(record, handler));
    await this.setBackLeftOver();
  }

  async setBackLeftOver(): Promise<void> {
    const { leftOver } = this;
    this.leftOver = [];
    for (const write of leftOver) await write().catch(() => this.leftOver.push(write));
  }

  /** A pass that is under way knows neither of the mark's new number nor of the event, and so settles neither. */
  private async write(record: ClaimedRecord, handler: ChangeHandler): Promise<void> {
    const { tables, dialect } = this.database;
    await this.database.transaction(async (query) => {
      await query(
        `INSERT INTO ${tables.mark} (record_key, event_id, handler, state, version, replay_no)
         VALUES ($1, 0, $2, 'failed', -1, 1)
         ${dialect.updateOnClash(['record_key', 'event_id', 'handler'], {
           version: '-1',
           state: `'failed'`,
           due_at: 'NULL',
           replay_no: `${dialect.kept(tables.mark, 'replay_no')} + 1`,
         })}`,
        [record.recordKey, handler.name],
      );
      const again = this.idempotency.derivedRow(record.key, 'setback', record.leaseToken);
      await this.inbox.acceptWithin(query, [again]);
    });
  }
}
