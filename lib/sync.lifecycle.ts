import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Dispatcher } from './dispatch/dispatcher.js';
import { PruneScheduler } from './dispatch/prune.scheduler.js';
import { SweepScheduler } from './dispatch/sweep.scheduler.js';
import { SyncDatabase } from './database/sync.database.js';
import { aroundOf, handlerInside } from './handlers/around.handler.js';
import { alarmListeners, assembleHandlers } from './handlers/handler.assembly.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { checkMirrorKeys } from './handlers/mirror.key.js';
import type { Mirror } from './handlers/mirror.js';
import type { SyncHandler } from './handlers/sync-handler.js';
import { PollingScheduler } from './ingest/poll/polling.scheduler.js';
import { ReconciliationScheduler } from './ingest/runs/reconciliation.scheduler.js';
import { RunScheduler } from './ingest/runs/run.scheduler.js';
import { StreamScheduler } from './ingest/stream/stream.scheduler.js';
import { webhookRoute } from './ingest/webhook/host-prefix.js';
import { RawBodyTap } from './ingest/webhook/raw-body.tap.js';
import { WebhookListener } from './ingest/webhook/webhook.listener.js';
import { Telemetry } from './observe/telemetry.js';
import { StartService } from './process/start.service.js';
import { SyncDoctor } from './sync.doctor.js';
import { SyncInspection } from './sync.inspection.js';
import { checkReconciled } from './sync.reconcile.check.js';
import { addSources, ResolvedSyncOptions } from './sync.options.js';
import { ProcessDuties } from './sync.role.js';

/** Starts the module with the application, and brings it to an end with it. */
@Injectable()
export class SyncLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('Sync');
  private mirrors: readonly Mirror[] = [];

  constructor(
    private readonly doctor: SyncDoctor,
    private readonly inspection: SyncInspection,
    private readonly database: SyncDatabase,
    private readonly explorer: HandlerExplorer,
    private readonly registry: HandlerRegistry,
    private readonly telemetry: Telemetry,
    private readonly starts: StartService,
    private readonly dispatcher: Dispatcher,
    private readonly sweeps: SweepScheduler,
    private readonly prunes: PruneScheduler,
    private readonly polling: PollingScheduler,
    private readonly streams: StreamScheduler,
    private readonly runs: RunScheduler,
    private readonly reconciliations: ReconciliationScheduler,
    private readonly tap: RawBodyTap,
    private readonly listener: WebhookListener,
    private readonly moduleRef: ModuleRef,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
    @Inject(ProcessDuties) private readonly duties: ProcessDuties,
  ) {}

  async onModuleInit(): Promise<void> {
    const features = await this.explorer.features();
    // First of all: the options' sources are complete from here on.
    for (const { sources = {} } of features) addSources(this.options, sources);
    this.doctor.checkSetUp(features.map(({ sources = {} }) => sources));
    const methods = this.explorer.methods();
    this.mirrors = features.flatMap(({ mirrors = [] }) => mirrors);
    const { host } = this.database;
    const handlers = assembleHandlers(methods, this.mirrors, this.options.sources, host, this.moduleRef);
    this.registry.register(this.insideAround(handlers));
    checkReconciled(this.options.sources, this.registry);
    alarmListeners(methods).forEach((listener) => this.telemetry.onAlarm(listener));
    if (this.duties.webhookPath !== null) this.tap.install(this.duties.webhookPath);
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      const weakness = await this.database.open();
      if (weakness) this.logger.warn(weakness);
      if (this.options.migrationsRun) await this.database.migrate();
      await this.doctor.checkTables();
      await this.doctor.checkTransaction();
      await checkMirrorKeys(this.mirrors, this.database.host);
      await this.starts.load();
      if (this.duties.runsPasses) await this.inspection.inspect(this.mirrors);
    } catch (error) {
      // Open connections would keep a process alive whose boot has failed.
      await this.database.close();
      throw error;
    }
    const { webhookPath, webhookReception } = this.duties;
    if (webhookPath !== null && webhookReception === 'direct') this.listener.install(webhookPath);
    this.logger.log(this.describe());
    await this.polling.start(this.duties.runsPasses);
    if (!this.duties.runsPasses) return;
    this.dispatcher.start();
    this.sweeps.start();
    this.prunes.start();
    this.runs.start();
    this.reconciliations.start();
    await this.streams.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { drainMs } = this.options;
    await Promise.all([
      this.streams.stop(drainMs),
      this.polling.stop(drainMs),
      this.runs.stop(drainMs),
      this.reconciliations.stop(drainMs),
      this.sweeps.stop(drainMs),
      this.prunes.stop(drainMs),
      this.dispatcher.stop(drainMs),
    ]);
  }

  /** Deliveries are stored until the HTTP server is closed, which happens before this. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }

  private insideAround(handlers: readonly SyncHandler[]): readonly SyncHandler[] {
    if (this.options.around === undefined) return handlers;
    const around = aroundOf(this.options.around, this.moduleRef);
    return handlers.map((handler) => handlerInside(around, handler));
  }

  /** What this process does, in one line. */
  private describe(): string {
    const { role, webhookPath, webhookReception, runsPasses } = this.duties;
    const parts = [
      ...(role === 'all' ? [] : [`role ${role}`]),
      ...(webhookPath === null
        ? []
        : [
            `listening on POST ${webhookRoute(webhookPath, this.moduleRef).route}` +
              (webhookReception === 'direct' ? ' (direct)' : ''),
          ]),
      runsPasses ? this.describeHandlers() : 'handlers run in other processes',
    ];
    return parts.join('; ');
  }

  private describeHandlers(): string {
    const lines = Object.keys(this.options.sources).map((source) => {
      const handlers = this.registry.all().filter((handler) => handler.source === source);
      return `${source}: ${handlers.map(describe).join('; ') || 'no handlers'}`;
    });
    return lines.join(' | ') || 'no sources';
  }
}

function describe(handler: SyncHandler): string {
  return handler.kind === 'event'
    ? `${handler.patterns.join(', ')} → ${shownName(handler)}`
    : `changes of ${handler.resource} → ${shownName(handler)}`;
}

function shownName({ label, name }: SyncHandler): string {
  return name === label ? label : `${label} (formerly ${name})`;
}
