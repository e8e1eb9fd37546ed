import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { withoutListed } from '../model/derived-type.js';
import { WAITS } from './waiting.js';

/** Keeps the contents of listed records with their events, for as long as they are good for something. */
@Injectable()
export class ListedBodyService {
  constructor(private readonly database: SyncDatabase) {}

  /** These events are as those of records that were listed without their content. */
  async forget(events: readonly { readonly id: string; readonly type: string }[]): Promise<void> {
    for (const { id, type } of events) {
      await this.database.query(
        `UPDATE ${this.database.tables.event} SET type = $1, payload = NULL, ticket = NULL
         WHERE id = $2 AND ${WAITS}`,
        [withoutListed(type), id],
      );
    }
  }
}
