import type { Provider, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { PruneScheduler } from './dispatch/prune.scheduler.js';
import { SweepScheduler } from './dispatch/sweep.scheduler.js';
import { createSyncDatabase } from './database/database.factory.js';
import { poolSizeOf } from './database/pool-size.js';
import { SyncDatabase } from './database/sync.database.js';
import { SyncSchedulerRegistry } from './dispatch/sync.scheduler-registry.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { SyncTargets } from './handlers/targets/sync-targets.js';
import { Budget } from './hydrate/budget.js';
import { HydrationService } from './hydrate/hydration.service.js';
import { PassTraffic } from './hydrate/pass-traffic.js';
import { RecordReads } from './hydrate/record-reads.js';
import { ProviderCallService } from './hydrate/provider-call.service.js';
import { DailyCalls } from './hydrate/daily-calls.js';
import { IdempotencyService } from './inbox/idempotency.service.js';
import { InboxService } from './inbox/inbox.service.js';
import { ReplayService } from './inbox/replay.service.js';
import { WaitingEventsService } from './inbox/waiting-events.service.js';
import { OverdueEventsService } from './inbox/overdue-events.service.js';
import { BodyReader } from './ingest/webhook/body.reader.js';
import { RawBodyTap } from './ingest/webhook/raw-body.tap.js';
import { webhookControllerFor } from './ingest/webhook/webhook.controller.js';
import { ConnectionHealthService } from './ingest/poll/connection-health.service.js';
import { CursorService } from './ingest/poll/cursor.service.js';
import { DeliveryTimesService } from './ingest/poll/delivery-times.service.js';
import { LogIntakeService } from './ingest/poll/log-intake.service.js';
import { PollService } from './ingest/poll/poll.service.js';
import { StreamScheduler } from './ingest/stream/stream.scheduler.js';
import { StreamService } from './ingest/stream/stream.service.js';
import { ComparisonService } from './ingest/listing/comparison.service.js';
import { TargetComparisonService } from './ingest/listing/target-comparison.service.js';
import { TicketService } from './ingest/listing/ticket.service.js';
import { PollingScheduler } from './ingest/poll/polling.scheduler.js';
import { BackfillService } from './ingest/runs/backfill.service.js';
import { FindingReportService } from './ingest/runs/finding-report.service.js';
import { FindingService } from './ingest/runs/finding.service.js';
import { PageReconcileService } from './ingest/runs/page-reconcile.service.js';
import { ReconcileService } from './ingest/runs/reconcile.service.js';
import { VerdictService } from './ingest/runs/verdict.service.js';
import { ListingTargets } from './ingest/runs/listing.targets.js';
import { RunEventsService } from './ingest/runs/run-events.service.js';
import { RunReportService } from './ingest/runs/run-report.service.js';
import { ProjectService } from './ingest/runs/project.service.js';
import { ListedBodyService } from './inbox/listed-body.service.js';
import { RunHistoryService } from './ingest/runs/run-history.service.js';
import { RunPhases } from './ingest/runs/run.phases.js';
import { RunWalker } from './ingest/runs/run.walker.js';
import { LogComparisonService } from './ingest/poll/log-comparison.service.js';
import { LogReconcileService } from './ingest/runs/log-reconcile.service.js';
import { ConfirmationService } from './ingest/runs/confirmation.service.js';
import { ReconciliationScheduler } from './ingest/runs/reconciliation.scheduler.js';
import { RunScheduler } from './ingest/runs/run.scheduler.js';
import { RunService } from './ingest/runs/run.service.js';
import { WebhookDoor } from './ingest/webhook/webhook.door.js';
import { WebhookListener } from './ingest/webhook/webhook.listener.js';
import { WebhookReceiver } from './ingest/webhook/webhook.receiver.js';
import { StatusService } from './observe/status.service.js';
import { ExplainService } from './observe/explain.service.js';
import { Telemetry } from './observe/telemetry.js';
import { DeleteCapService } from './process/delete-cap.service.js';
import { ChangeBatchesService } from './process/change-batches.service.js';
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
import { EventRetentionService } from './inbox/event-retention.service.js';
import { PruneTurnService } from './inbox/prune-turn.service.js';
import { RunRetentionService } from './inbox/run-retention.service.js';
import { TargetCallService } from './process/target-call.service.js';
import { TargetRowsService } from './process/target-rows.service.js';
import { TargetsService } from './process/targets.service.js';
import { UnhandledService } from './process/unhandled.service.js';
import { AdoptService } from './process/adopt.service.js';
import { OperatorTargets } from './process/operator-targets.js';
import { shown } from './model/option-problem.js';
import { SyncClock } from './sync.clock.js';
import { dispatchProviders } from './sync.dispatch.providers.js';
import { SyncDoctor } from './sync.doctor.js';
import { SyncConfigError } from './sync.errors.js';
import { SyncInspection } from './sync.inspection.js';
import { SyncLifecycle } from './sync.lifecycle.js';
import {
  ResolvedSyncOptions,
  resolveOptions,
  SYNC_OPTIONS,
  type SyncModuleExtras,
  type SyncOptions,
} from './sync.options.js';
import { dutiesOf, ProcessDuties } from './sync.role.js';
import { SyncService } from './sync.service.js';

/** In the order in which an event travels. */
const services: Provider[] = [
  SyncClock,
  Telemetry,
  ExplainService,
  StatusService,
  RawBodyTap,
  BodyReader,
  WebhookListener,
  WebhookReceiver,
  WebhookDoor,
  DeliveryTimesService,
  StreamScheduler,
  StreamService,
  PollingScheduler,
  PollService,
  LogIntakeService,
  CursorService,
  ConnectionHealthService,
  TicketService,
  ComparisonService,
  TargetCallService,
  TargetRowsService,
  TargetComparisonService,
  PageReconcileService,
  RunWalker,
  LogComparisonService,
  ConfirmationService,
  LogReconcileService,
  ListingTargets,
  RunScheduler,
  RunService,
  RunEventsService,
  RunReportService,
  BackfillService,
  ReconcileService,
  ReconciliationScheduler,
  ProjectService,
  ListedBodyService,
  RunHistoryService,
  RunPhases,
  FindingService,
  FindingReportService,
  VerdictService,
  IdempotencyService,
  InboxService,
  WaitingEventsService,
  OverdueEventsService,
  EventRetentionService,
  RunRetentionService,
  PruneTurnService,
  EraseService,
  PauseService,
  OperatorTargets,
  ReplayService,
  SyncSchedulerRegistry,
  SweepScheduler,
  PruneScheduler,
  LeaseService,
  WorkLoader,
  PassService,
  HandlingService,
  ReadingService,
  DeleteCapService,
  ParentsService,
  FencedTransaction,
  ChangeBatchesService,
  SetbackService,
  StartService,
  AdoptService,
  UnhandledService,
  Budget,
  DailyCalls,
  ProviderCallService,
  { provide: SyncTargets, useClass: TargetsService },
  PassTraffic,
  RecordReads,
  HydrationService,
  HandlerExplorer,
  HandlerRegistry,
  SyncDoctor,
  SyncInspection,
  SyncLifecycle,
  SyncService,
];

/** The host's data source, under a name of our own: one that is not there is told with the fix. */
const HOST_DATA_SOURCE = 'SYNC_HOST_DATA_SOURCE';

export function rootProviders(extras: SyncModuleExtras): Provider[] {
  const { dataSource: given } = extras;
  // What is no name is found by the checks at boot.
  const dataSource = typeof given === 'string' && given !== '' ? given : undefined;
  const token = getDataSourceToken(dataSource);
  const duties = dutiesOf(extras);
  return [
    {
      provide: HOST_DATA_SOURCE,
      useFactory: (modules: ModulesContainer, host?: DataSource) => {
        // One that is there and cannot be made fails the boot by itself, in TypeORM's words.
        const isThere = [...modules.values()].some((module) => module.providers.has(token));
        if (!isThere) throw missingDataSource(dataSource);
        return host;
      },
      inject: [ModulesContainer, { token, optional: true }],
    },
    {
      provide: ResolvedSyncOptions,
      useFactory: (options: SyncOptions, host: DataSource) => resolveOptions(options, poolSizeOf(host)),
      inject: [SYNC_OPTIONS, HOST_DATA_SOURCE],
    },
    { provide: ProcessDuties, useValue: duties },
    ...dispatchProviders(duties, extras.queue),
    {
      provide: SyncDatabase,
      useFactory: (host: DataSource, clock: SyncClock) => createSyncDatabase(host, clock),
      inject: [HOST_DATA_SOURCE, SyncClock],
    },
    ...services,
  ];
}

export function rootControllers(extras: SyncModuleExtras): Type<object>[] {
  const { webhookPath, webhookDecorators } = dutiesOf(extras);
  return webhookPath === null ? [] : [webhookControllerFor(webhookPath, webhookDecorators)];
}

function missingDataSource(name: string | undefined): SyncConfigError {
  const [which, fix] = name
    ? [`named ${shown(name)}`, `import TypeOrmModule.forRoot({ name: ${shown(name)}, ... })`]
    : ['in the application', 'import TypeOrmModule.forRoot({ ... })'];
  return new SyncConfigError(
    'SYNC_MISSING_DATA_SOURCE',
    `there is no TypeORM data source ${which}. Correct SyncModule's \`dataSource\`, or ${fix} in your root module.`,
  );
}
