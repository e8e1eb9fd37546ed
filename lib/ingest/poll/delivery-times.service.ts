import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import type { ConnectionKey } from '../../model/record.js';

/**
 * Writes down that webhooks come: for connections that are polled, and every few seconds at most, since a delivery has
 * no time for it. Those that only repeat what is known count too.
 */
@Injectable()
export class DeliveryTimesService {
  private noted = new Map<string, ConnectionKey>();

  constructor(private readonly database: SyncDatabase) {}

  note({ source, connectionId }: ConnectionKey): void {
    // Accounts come from outside, and a platform has as many as it likes: what is left out is noted with the next one.
    if (this.noted.size < MOST_NOTED) this.noted.set(`${source} ${connectionId}`, { source, connectionId });
  }

  async write(): Promise<void> {
    const { noted } = this;
    this.noted = new Map();
    for (const { source, connectionId } of noted.values())
      await this.database.query(
        `UPDATE ${this.database.tables.cursor} SET delivered_at = ${this.database.now}
         WHERE source = $1 AND connection_id = $2 AND kind = 'log'`,
        [source, connectionId],
      );
  }
}

const MOST_NOTED = 1_000;
