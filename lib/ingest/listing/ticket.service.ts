import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import { lockConnection } from '../../inbox/connection-lock.js';
import type { ConnectionKey } from '../../model/record.js';

/**
 * Draws tickets: committed before a listing is requested, so that a record which was saved with a lower counter is known
 * to be older than the listing.
 */
@Injectable()
export class TicketService {
  constructor(private readonly database: SyncDatabase) {}

  draw(connection: ConnectionKey): Promise<string> {
    const { tables } = this.database;
    const params = [connection.source, connection.connectionId];
    const ofConnection = 'source = $1 AND connection_id = $2';
    return this.database.transaction(async (query) => {
      await lockConnection(this.database, query, connection);
      await query(`UPDATE ${tables.connection} SET ticket = ticket + 1 WHERE ${ofConnection}`, params);
      const [row] = await query<{ ticket: unknown }>(
        `SELECT ticket FROM ${tables.connection} WHERE ${ofConnection}`,
        params,
      );
      return String(row!.ticket);
    });
  }
}
