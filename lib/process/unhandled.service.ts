import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { UNHANDLED_WITHIN_MS } from './outcome.js';

interface Kind {
  readonly source: string;
  readonly type: string;
  readonly resource: string;
}

/**
 * While a new version is rolled out, processes of the old one settle as `no-handler` what only the new one has a handler
 * for. So a process takes up again what it knows a handler for; and whoever else comes by such an event leaves it.
 */
@Injectable()
export class UnhandledService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** @returns whether there was anything */
  async reopen(): Promise<boolean> {
    const sources = Object.keys(this.options.sources);
    if (sources.length === 0) return false;
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const kinds = await this.database.query<Kind>(
      `SELECT DISTINCT source, type, resource FROM ${tables.event}
       WHERE ${dialect.isOneOf('source', 'text', sources, params)} AND ${this.recent}`,
      params,
    );
    const handled = kinds.filter((kind) => this.hasHandler(kind));
    for (const kind of handled) await this.reopenKind(kind);
    return handled.length > 0;
  }

  private hasHandler({ source, type, resource }: Kind): boolean {
    const { registry } = this;
    return (
      registry.eventHandlers(source, type).length > 0 || registry.changeHandlers(source, resource).length > 0
    );
  }

  private async reopenKind({ source, type, resource }: Kind): Promise<void> {
    const { tables, now } = this.database;
    await this.database.query(
      `UPDATE ${tables.event} SET state = 'waiting', wait_reason = 'no-handler', reason = NULL, settled_at = NULL, available_at = ${now}
       WHERE source = $1 AND type = $2 AND resource = $3 AND ${this.recent}`,
      [source, type, resource],
    );
  }

  private get recent(): string {
    return `state = 'skipped' AND reason = 'no-handler' AND settled_at > ${this.database.in(-UNHANDLED_WITHIN_MS)}`;
  }
}
