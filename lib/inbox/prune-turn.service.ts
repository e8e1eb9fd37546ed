import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** The right to prune, for one process at a time. */
export interface PruneTurn {
  /** To be called while it lasts, from time to time. */
  keep(): Promise<void>;
  /** @param inMs until it is anybody's turn again */
  end(inMs: number): Promise<void>;
}

/** Its row stands among the cursors: a walk over the inbox, which is no source's. */
const OF_INBOX = `source = '' AND connection_id = '' AND kind = 'prune'`;

/** Gives one process of all the turn to prune, by a lease. Should two have it, the second finds done what the first did. */
@Injectable()
export class PruneTurnService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Null: it is not due, or another process is at it. */
  async take(): Promise<PruneTurn | null> {
    const { tables, now, dialect } = this.database;
    const token = randomUUID();
    await this.database.query(
      `INSERT INTO ${tables.cursor} (source, connection_id, kind, due_at) VALUES ('', '', 'prune', ${now})
       ${dialect.ignoreClash(['source', 'connection_id', 'kind'])}`,
    );
    await this.database.query(
      `UPDATE ${tables.cursor} SET walk_token = $1, walk_until = ${this.until()}
       WHERE ${OF_INBOX} AND due_at <= ${now} AND (walk_token IS NULL OR walk_until < ${now})`,
      [token],
    );
    const [mine] = await this.database.query(
      `SELECT 1 AS mine FROM ${tables.cursor} WHERE ${OF_INBOX} AND walk_token = $1`,
      [token],
    );
    return mine ? this.turn(token) : null;
  }

  private turn(token: string): PruneTurn {
    let keptAt = performance.now();
    const write = (set: string) =>
      this.database.query(
        `UPDATE ${this.database.tables.cursor} SET ${set} WHERE ${OF_INBOX} AND walk_token = $1`,
        [token],
      );
    return {
      keep: async () => {
        if (performance.now() - keptAt < this.options.leaseMs / 3) return;
        keptAt = performance.now();
        await write(`walk_until = ${this.until()}`);
      },
      end: async (inMs) => {
        await write(`walk_token = NULL, walk_until = NULL, due_at = ${this.database.in(inMs)}`);
      },
    };
  }

  private until(): string {
    return this.database.in(this.options.leaseMs);
  }
}
