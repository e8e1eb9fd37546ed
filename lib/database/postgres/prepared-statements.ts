import { createHash } from 'node:crypto';
import type { Statement } from '../statement.js';
import type { PgConnection } from './postgres.protocol.js';

/**
 * How long a plan is kept. The table that it was made for may have been small, and what suits that would be done to a large one
 * until the server looks at it again.
 */
const KEPT_MS = 1_000;

const UNNAMED = '';

/**
 * What connections have prepared under a name, so that the server neither reads nor plans it again. A name stands for the same
 * text in every process: a connection pooler may let them share its sessions.
 */
export class PreparedStatements {
  private readonly names = new Map<string, string>();
  /** Until when each stands, by connection and name. */
  private readonly kept = new WeakMap<PgConnection, Map<string, number>>();
  private stays = true;

  /** Sends what has to be sent before the statement can be bound. @returns its name */
  prepare(connection: PgConnection, { sql, recurs }: Statement): string {
    if (!recurs || !this.stays) {
      connection.parse({ name: UNNAMED, text: sql, types: [] });
      return UNNAMED;
    }
    const name = this.nameOf(sql);
    const kept = this.keptOn(connection);
    const now = performance.now();
    if ((kept.get(name) ?? 0) <= now) {
      // Whether it is there or not.
      connection.close({ type: 'S', name });
      connection.parse({ name, text: sql, types: [] });
      kept.set(name, now + KEPT_MS);
    }
    return name;
  }

  /** What is prepared does not stay, as behind a connection pooler: nothing is any more. */
  giveUp(): void {
    this.stays = false;
  }

  /** A message has failed, and nobody knows how far it came. */
  doubt(connection: PgConnection): void {
    this.kept.delete(connection);
  }

  private nameOf(sql: string): string {
    let name = this.names.get(sql);
    if (!name) {
      name = `sync_${createHash('sha256').update(sql).digest('hex').slice(0, 24)}`;
      this.names.set(sql, name);
    }
    return name;
  }

  private keptOn(connection: PgConnection): Map<string, number> {
    let kept = this.kept.get(connection);
    if (!kept) this.kept.set(connection, (kept = new Map()));
    return kept;
  }
}
