import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { checkTransaction } from './database/hosted-transaction.js';
import { poolSizeOf } from './database/pool-size.js';
import { SyncDatabase } from './database/sync.database.js';
import { SyncConfigError, type SyncConfigCode } from './sync.errors.js';
import { checkOptions } from './sync.options.check.js';
import { checkRetention } from './sync.retention.check.js';
import { ResolvedSyncOptions, SYNC_EXTRAS, SYNC_OPTIONS, type SyncOptions } from './sync.options.js';
import { type SyncSource } from './sync.source.options.js';
import { ProcessDuties } from './sync.role.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { checkConnectors, checkSources } from './sync.sources.check.js';

/** Finds at boot what would otherwise be found out by a customer. Each finding stops the boot, with its fix. */
@Injectable()
export class SyncDoctor {
  constructor(
    private readonly database: SyncDatabase,
    private readonly modules: ModulesContainer,
    @Inject(SYNC_OPTIONS) private readonly given: SyncOptions,
    @Inject(SYNC_EXTRAS) private readonly extras: Record<string, unknown>,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
    @Inject(ProcessDuties) private readonly duties: ProcessDuties,
  ) {}

  /**
   * What can be told without the database.
   * @param ofFeatures the sources that features add
   */
  checkSetUp(ofFeatures: readonly Record<string, SyncSource>[]): void {
    this.checkRoots();
    checkOptions(this.given, this.extras);
    for (const sources of [this.given.sources, ...ofFeatures]) checkSources(sources);
    checkRetention(this.options);
    checkConnectors(this.options.sources, (code) => this.canDoWithout(code));
    if (!this.duties.runsPasses) return;
    this.checkPool();
    if (this.options.transaction && !this.database.letsHostOpen)
      throw new SyncConfigError(
        'SYNC_INVALID_OPTION',
        'transaction cannot be had on SQLite: TypeORM has one connection there, which all share. Leave it out, and write ' +
          'through context.manager.',
      );
  }

  /** What the database has to say. */
  async checkTables(): Promise<void> {
    const missing = await this.database.missingTables();
    if (missing.length === 0) return;
    throw new SyncConfigError(
      'SYNC_MISSING_TABLES',
      `these tables are not there: ${missing.join(', ')}. Set migrationsRun: true in SyncModule.forRoot(), or add ` +
        `syncMigrations to your data source's migrations and run them.`,
    );
  }

  /** That the host's way to open a handler's transaction is one. */
  async checkTransaction(): Promise<void> {
    const { transaction } = this.options;
    if (transaction && this.duties.runsPasses) await checkTransaction(this.database.host, transaction);
  }

  private checkRoots(): void {
    const roots = [...this.modules.values()].filter((module) => module.hasProvider(SyncRootMarker));
    if (roots.length <= 1) return;
    throw new SyncConfigError(
      'SYNC_TWO_ROOTS',
      `SyncModule.forRoot() is imported ${roots.length} times: every delivery would be handled as often. Keep one ` +
        `and use SyncModule.forFeature() elsewhere.`,
    );
  }

  /** A process that fetches nothing needs no key, and one that is given no deliveries no secret. */
  private canDoWithout(code: SyncConfigCode): boolean {
    const { role } = this.duties;
    if (code === 'SYNC_MISSING_API_KEY') return role === 'ingest' || role === 'none';
    return code === 'SYNC_MISSING_SECRET' && (role === 'worker' || role === 'none');
  }

  private checkPool(): void {
    const poolSize = poolSizeOf(this.database.host);
    const most = poolSize - 2;
    if (most >= 1 && this.options.maxTransactions <= most) return;
    const fewer = most >= 1 ? `maxTransactions to at most ${most}, or ` : '';
    throw new SyncConfigError(
      'SYNC_POOL_TOO_SMALL',
      `maxTransactions is ${this.options.maxTransactions}, and the data source's pool has ${poolSize} connections: ` +
        `your own queries would wait for handlers. Set ${fewer}the data source's poolSize to at least ` +
        `${Math.max(this.options.maxTransactions, 1) + 2}.`,
    );
  }
}
