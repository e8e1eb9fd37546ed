import type { Provider, Type } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Dispatcher } from './dispatch/dispatcher.js';
import { InProcessDispatcher } from './dispatch/in-process.dispatcher.js';
import { SweepScheduler } from './dispatch/sweep.scheduler.js';
import { createSyncDatabase } from './database/database.factory.js';
import { poolSizeOf } from './database/pool-size.js';
import { SyncDatabase } from './database/sync.database.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { Budget } from './hydrate/budget.js';
import { HydrationService } from './hydrate/hydration.service.js';
import { MemoryBudget } from './hydrate/memory.budget.js';
import { IdempotencyService } from './inbox/idempotency.service.js';
import { InboxService } from './inbox/inbox.service.js';
import { ReplayService } from './inbox/replay.service.js';
import { WaitingEventsService } from './inbox/waiting-events.service.js';
import { BodyReader } from './ingest/body.reader.js';
import { RawBodyTap } from './ingest/raw-body.tap.js';
import { webhookControllerFor } from './ingest/webhook.controller.js';
import { WebhookDoor } from './ingest/webhook.door.js';
import { ExplainService } from './observe/explain.service.js';
import { Telemetry } from './observe/telemetry.js';
import { DeleteCapService } from './process/delete-cap.service.js';
import { FencedTransaction } from './process/fenced-transaction.js';
import { HandlingService } from './process/handling.service.js';
import { LeaseService } from './process/lease.service.js';
import { ParentsService } from './process/parents.service.js';
import { PassService } from './process/pass.service.js';
import { ReadingService } from './process/reading.service.js';
import { SetbackService } from './process/setback.service.js';
import { StartService } from './process/start.service.js';
import { WorkLoader } from './process/work.loader.js';
import { PauseService } from './inbox/pause.service.js';
import { EraseService } from './inbox/erase.service.js';
import { BodyRetentionService } from './inbox/body-retention.service.js';
import { UnhandledService } from './process/unhandled.service.js';
import { AdoptService } from './process/adopt.service.js';
import { PauseTargets } from './process/pause-targets.js';
import { SyncClock } from './sync.clock.js';
import { SyncDoctor } from './sync.doctor.js';
import { SyncLifecycle } from './sync.lifecycle.js';
import {
  ResolvedSyncOptions,
  resolveOptions,
  ResolvedWebhookOptions,
  WEBHOOK_DEFAULTS,
  type SyncModuleExtras,
  type SyncOptions,
} from './sync.options.js';
import { SyncService } from './sync.service.js';

/** Under which the host's options stand. */
export const SYNC_OPTIONS = 'SYNC_OPTIONS';

/** In the order in which an event travels. */
const services: Provider[] = [
  SyncClock,
  Telemetry,
  ExplainService,
  RawBodyTap,
  BodyReader,
  WebhookDoor,
  IdempotencyService,
  InboxService,
  WaitingEventsService,
  BodyRetentionService,
  EraseService,
  PauseService,
  PauseTargets,
  ReplayService,
  { provide: Dispatcher, useClass: InProcessDispatcher },
  // Private: the host's own registry, and its jobs, are none of our business.
  SchedulerRegistry,
  SweepScheduler,
  LeaseService,
  WorkLoader,
  PassService,
  HandlingService,
  ReadingService,
  DeleteCapService,
  ParentsService,
  FencedTransaction,
  SetbackService,
  StartService,
  AdoptService,
  UnhandledService,
  { provide: Budget, useClass: MemoryBudget },
  HydrationService,
  HandlerExplorer,
  HandlerRegistry,
  SyncDoctor,
  SyncLifecycle,
  SyncService,
];

export function rootProviders({ dataSource, webhooks }: SyncModuleExtras): Provider[] {
  const hostDataSource = getDataSourceToken(dataSource);
  return [
    {
      provide: ResolvedSyncOptions,
      useFactory: (options: SyncOptions, host: DataSource) => resolveOptions(options, poolSizeOf(host)),
      inject: [SYNC_OPTIONS, hostDataSource],
    },
    { provide: ResolvedWebhookOptions, useValue: { ...WEBHOOK_DEFAULTS, ...webhooks } },
    {
      provide: SyncDatabase,
      useFactory: (host: DataSource, clock: SyncClock) => createSyncDatabase(host, clock),
      inject: [hostDataSource, SyncClock],
    },
    ...services,
  ];
}

export function rootControllers({ webhooks }: SyncModuleExtras): Type<object>[] {
  return [webhookControllerFor({ ...WEBHOOK_DEFAULTS, decorators: [], ...webhooks })];
}
