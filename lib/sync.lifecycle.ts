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
import { SweepScheduler } from './dispatch/sweep.scheduler.js';
import { SyncDatabase } from './database/sync.database.js';
import { alarmListeners, assembleHandlers } from './handlers/handler.assembly.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { checkMirrorKeys } from './handlers/mirror.key.js';
import type { Mirror } from './handlers/mirror.js';
import type { SyncHandler } from './handlers/sync-handler.js';
import { RawBodyTap } from './ingest/raw-body.tap.js';
import { Telemetry } from './observe/telemetry.js';
import { StartService } from './process/start.service.js';
import { SyncDoctor } from './sync.doctor.js';
import { ResolvedSyncOptions, ResolvedWebhookOptions } from './sync.options.js';

/** Starts the module with the application, and brings it to an end with it. */
@Injectable()
export class SyncLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('Sync');
  private mirrors: readonly Mirror[] = [];

  constructor(
    private readonly doctor: SyncDoctor,
    private readonly database: SyncDatabase,
    private readonly explorer: HandlerExplorer,
    private readonly registry: HandlerRegistry,
    private readonly telemetry: Telemetry,
    private readonly starts: StartService,
    private readonly dispatcher: Dispatcher,
    private readonly sweeps: SweepScheduler,
    private readonly tap: RawBodyTap,
    private readonly moduleRef: ModuleRef,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
    @Inject(ResolvedWebhookOptions) private readonly webhooks: ResolvedWebhookOptions,
  ) {}

  onModuleInit(): void {
    this.doctor.checkSetUp();
    const { methods, features } = this.explorer.explore();
    this.mirrors = features.flatMap((feature) => feature.mirrors());
    const { host } = this.database;
    this.registry.register(
      assembleHandlers(methods, this.mirrors, this.options.sources, host, this.moduleRef),
    );
    alarmListeners(methods).forEach((listener) => this.telemetry.onAlarm(listener));
    this.tap.install(this.webhooks.path);
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      if (this.options.migrationsRun) await this.database.migrate();
      const weakness = await this.database.open();
      if (weakness) this.logger.warn(weakness);
      await this.doctor.checkTables();
      await checkMirrorKeys(this.mirrors, this.database.host);
      await this.starts.load();
    } catch (error) {
      // Open connections would keep a process alive whose boot has failed.
      await this.database.close();
      throw error;
    }
    this.logger.log(this.describeHandlers());
    this.dispatcher.start();
    this.sweeps.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { drainMs } = this.options;
    await Promise.all([this.sweeps.stop(drainMs), this.dispatcher.stop(drainMs)]);
  }

  /** Deliveries are stored until the HTTP server is closed, which happens before this. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }

  private describeHandlers(): string {
    const lines = Object.keys(this.options.sources).map((source) => {
      const handlers = this.registry.all().filter((handler) => handler.source === source);
      return `${source}: ${handlers.map(describe).join('; ') || 'no handlers'}`;
    });
    return `listening on POST ${this.webhooks.path}/:source; ${lines.join(' | ') || 'no sources'}`;
  }
}

function describe(handler: SyncHandler): string {
  return handler.kind === 'event'
    ? `${handler.patterns.join(', ')} → ${handler.name}`
    : `changes of ${handler.resource} → ${handler.name}`;
}
