import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { syncEntities } from './entities/index.js';
import { SyncDatabase } from './entities/sync.database.js';
import { SyncConfigError, type SyncConfigCode } from './sync.errors.js';
import { ResolvedSyncOptions, SYNC_DEFAULTS } from './sync.options.js';
import { ProcessDuties, SYNC_ROLES } from './sync.role.js';
import { SyncRootMarker } from './sync.root-marker.js';

/** As long as the tables' column. */
const MAX_SOURCE_NAME = 64;

/** Finds at boot what would otherwise be found out by a customer. Each finding stops the boot, with its fix. */
@Injectable()
export class SyncDoctor {
  constructor(
    private readonly database: SyncDatabase,
    private readonly modules: ModulesContainer,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
    @Inject(ProcessDuties) private readonly duties: ProcessDuties,
  ) {}

  /** What can be told without the database. */
  checkSetUp(): void {
    this.checkRoots();
    this.checkRole();
    this.checkNumbers();
    this.checkSources();
    this.checkDatabaseType();
    this.checkEntities();
    if (this.duties.runsPasses) this.checkPool();
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

  private checkRoots(): void {
    const roots = [...this.modules.values()].filter((module) => module.hasProvider(SyncRootMarker));
    if (roots.length <= 1) return;
    throw new SyncConfigError(
      'SYNC_TWO_ROOTS',
      `SyncModule.forRoot() is imported ${roots.length} times: every delivery would be handled as often. Keep one ` +
        `and use SyncModule.forFeature() elsewhere.`,
    );
  }

  private checkRole(): void {
    if (SYNC_ROLES.includes(this.duties.role)) return;
    throw invalid(
      `role must be one of ${SYNC_ROLES.map(quoted).join(', ')}, and is ${quoted(this.duties.role)}`,
    );
  }

  private checkNumbers(): void {
    for (const name of Object.keys(SYNC_DEFAULTS) as (keyof typeof SYNC_DEFAULTS)[]) {
      if (typeof SYNC_DEFAULTS[name] !== 'number') continue;
      const value: unknown = this.options[name];
      const least = name === 'drainMs' || name === 'missingConfirmMs' ? 0 : 1;
      // Timers wrap around beyond 31 bits.
      if (Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 31) continue;
      throw invalid(
        `${name} must be a whole number from ${least} to ${2 ** 31 - 1}, and is ${String(value)}`,
      );
    }
  }

  private checkSources(): void {
    for (const [name, source] of Object.entries(this.options.sources)) {
      const { connector, callsPerSecond, maxAttempts, backoffMs } = source;
      if (!/^[\w.-]+$/.test(name) || name.length > MAX_SOURCE_NAME)
        throw invalid(
          `the source name '${name}' must be 1 to ${MAX_SOURCE_NAME} letters, digits, '_', '-' or '.'`,
        );
      if (!(callsPerSecond > 0)) throw invalid(`${name}: callsPerSecond must be above 0`);
      if (!(maxAttempts >= 1)) throw invalid(`${name}: maxAttempts must be at least 1`);
      for (let attempt = 1; attempt <= Math.min(maxAttempts, 100); attempt += 1) {
        const waitMs = backoffMs(attempt);
        if (!(waitMs >= 0 && waitMs < Infinity))
          throw invalid(`${name}: backoffMs(${attempt}) must be a number from 0, and is ${waitMs}`);
      }
      const [problem] = connector.problems().filter(({ code }) => !this.canDoWithout(code));
      if (problem) throw new SyncConfigError(problem.code, `source '${name}': ${problem.message}`);
    }
  }

  /** A process that fetches nothing needs no key, and one that is given no deliveries no secret. */
  private canDoWithout(code: SyncConfigCode): boolean {
    const { role } = this.duties;
    if (code === 'SYNC_MISSING_API_KEY') return role === 'ingest' || role === 'none';
    return code === 'SYNC_MISSING_SECRET' && (role === 'worker' || role === 'none');
  }

  private checkDatabaseType(): void {
    const { type } = this.database.host.options;
    if (type === 'postgres') return;
    throw new SyncConfigError(
      'SYNC_UNSUPPORTED_DATABASE',
      `the data source is of type '${type}', and only 'postgres' is supported so far. Give the module a data source ` +
        `of that type: SyncModule.forRoot({ dataSource: '<name>' }).`,
    );
  }

  private checkEntities(): void {
    if (syncEntities.every((entity) => this.database.host.hasMetadata(entity))) return;
    throw new SyncConfigError(
      'SYNC_MISSING_ENTITIES',
      `the data source does not know the module's entities. Set autoLoadEntities: true in TypeOrmModule.forRoot(), ` +
        `or add them to its list: entities: [...yours, ...syncEntities].`,
    );
  }

  private checkPool(): void {
    const { poolSize } = this.database;
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

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', message);
}

function quoted(value: unknown): string {
  return `'${String(value)}'`;
}
