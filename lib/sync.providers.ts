import type { Provider, Type } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Dispatcher } from './dispatch/dispatcher.js';
import { InProcessDispatcher } from './dispatch/in-process.dispatcher.js';
import { RemoteDispatcher } from './dispatch/remote.dispatcher.js';
import { SweepScheduler } from './dispatch/sweep.scheduler.js';
import { SyncSchedulerRegistry } from './dispatch/sync.scheduler-registry.js';
import { poolSizeOf, SyncDatabase } from './entities/sync.database.js';
import { syncEntities } from './entities/index.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { Budget } from './hydrate/budget.js';
import { HydrationService } from './hydrate/hydration.service.js';
import { MemoryBudget } from './hydrate/memory.budget.js';
import { IdempotencyService } from './inbox/idempotency.service.js';
import { InboxService } from './inbox/inbox.service.js';
import { ReplayService } from './inbox/replay.service.js';
import { WaitingEventsService } from './inbox/waiting-events.service.js';
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
import { SyncClock } from './sync.clock.js';
import { SyncDoctor } from './sync.doctor.js';
import { SyncLifecycle } from './sync.lifecycle.js';
import {
  ResolvedSyncOptions,
  resolveOptions,
  type SyncModuleExtras,
  type SyncOptions,
} from './sync.options.js';
import { dutiesOf, ProcessDuties } from './sync.role.js';
import { SyncService } from './sync.service.js';

/** Under which the host's options stand. */
export const SYNC_OPTIONS = 'SYNC_OPTIONS';

/** In the order in which an event travels. */
const services: Provider[] = [
  SyncClock,
  Telemetry,
  ExplainService,
  RawBodyTap,
  WebhookDoor,
  IdempotencyService,
  InboxService,
  WaitingEventsService,
  ReplayService,
  SyncSchedulerRegistry,
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
  { provide: Budget, useClass: MemoryBudget },
  HydrationService,
  HandlerExplorer,
  HandlerRegistry,
  SyncDoctor,
  SyncLifecycle,
  SyncService,
];

export function rootProviders(extras: SyncModuleExtras): Provider[] {
  const { dataSource } = extras;
  // For its side effect: a host with autoLoadEntities need not list the module's entities.
  TypeOrmModule.forFeature(syncEntities, dataSource);
  const hostDataSource = getDataSourceToken(dataSource);
  const duties = dutiesOf(extras);
  return [
    {
      provide: ResolvedSyncOptions,
      useFactory: (options: SyncOptions, host: DataSource) => resolveOptions(options, poolSizeOf(host)),
      inject: [SYNC_OPTIONS, hostDataSource],
    },
    { provide: ProcessDuties, useValue: duties },
    { provide: Dispatcher, useClass: duties.runsPasses ? InProcessDispatcher : RemoteDispatcher },
    {
      provide: SyncDatabase,
      useFactory: (host: DataSource, clock: SyncClock) => new SyncDatabase(host, clock),
      inject: [hostDataSource, SyncClock],
    },
    ...services,
  ];
}

export function rootControllers(extras: SyncModuleExtras): Type<object>[] {
  const { webhookPath } = dutiesOf(extras);
  if (webhookPath === null) return [];
  return [webhookControllerFor(webhookPath, extras.webhooks ? extras.webhooks.decorators : [])];
}
