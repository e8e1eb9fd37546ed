import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import type { ConnectionKey } from '../../model/record.js';

/**
 * Draws tickets: committed before a listing is requested, so that a record which was saved with a lower counter is known
 * to be older than the listing.
 */
@Injectable()
export class TicketService {
  constructor(private readonly database: SyncDatabase) {}

  draw({ source, connectionId }: ConnectionKey): Promise<string> {
    const { tables, now, dialect } = this.database;
    const params = [source, connectionId];
    return this.database.transaction(async (query) => {
      await query(
        `INSERT INTO ${tables.connection} (source, connection_id, start_at) VALUES ($1, $2, ${now})
         ${dialect.ignoreClash(['source', 'connection_id'])}`,
        params,
      );
      const ofConnection = 'source = $1 AND connection_id = $2';
      await query(`UPDATE ${tables.connection} SET ticket = ticket + 1 WHERE ${ofConnection}`, params);
      const [row] = await query<{ ticket: unknown }>(
        `SELECT ticket FROM ${tables.connection} WHERE ${ofConnection}`,
        params,
      );
      return String(row!.ticket);
    });
  }
}
