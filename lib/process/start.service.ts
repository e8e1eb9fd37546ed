import { Inject, Injectable } from '@nestjs/common';
import { timeIn } from '../database/row-values.js';
import { SyncDatabase } from '../database/sync.database.js';
import { DEFAULT_CONNECTION } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** From when on a source's event handlers are given events. */
@Injectable()
export class StartService {
  private readonly firstBoots = new Map<string, Date>();

  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Writes down the first boot of every source, once and for all processes, and learns those of before. */
  async load(): Promise<void> {
    const { tables, now, dialect } = this.database;
    for (const source of Object.keys(this.options.sources)) {
      await this.database.query(
        `INSERT INTO ${tables.connection} (source, connection_id, start_at) VALUES ($1, $2, ${now})
         ${dialect.ignoreClash(['source', 'connection_id'])}`,
        [source, DEFAULT_CONNECTION],
      );
    }
    const rows = await this.database.query<{ source: string; start_at: unknown }>(
      `SELECT source, start_at FROM ${tables.connection} WHERE connection_id = $1`,
      [DEFAULT_CONNECTION],
    );
    for (const row of rows) this.firstBoots.set(row.source, timeIn(row.start_at)!);
  }

  firstBootOf(source: string): Date {
    return this.firstBoots.get(source)!;
  }

  /** Null: everything. */
  startOf(source: string): Date | null {
    const start = this.options.sources[source]!.start;
    if (start === 'log') return null;
    return start === 'now' ? (this.firstBoots.get(source) ?? null) : start;
  }
}
