export { SyncModule } from './sync.module.js';
export { SyncService } from './sync.service.js';
export type {
  OpenTransaction,
  SyncModuleExtras,
  SyncOptions,
  SyncQueue,
  SyncRole,
  WebhookOptions,
  WebhookReception,
} from './sync.options.js';
export type { PollPolicy, ReconcilePolicy, SourcePolicies, SyncSource } from './sync.source.options.js';
export {
  CursorExpiredError,
  MalformedDeliveryError,
  ProviderError,
  RetryLaterError,
  SyncConfigError,
  SyncDisabledError,
  SyncError,
  UnrecoverableError,
  type ProviderFailure,
  type SyncConfigCode,
} from './sync.errors.js';

export { SyncAlarm } from './model/alarm.js';
export { SyncChange, type ChangeKind } from './model/change.js';
export type { ConnectionStatus } from './model/status.js';
export type { SourceHealth } from './model/health.js';
export type {
  Finding,
  FindingCause,
  FindingKind,
  ResourceFindings,
  ResourceState,
  RunKind,
  RunReport,
  RunResource,
  RunState,
} from './model/run.js';
export type { SyncMode, SyncModes } from './model/mode.js';
export type {
  Acknowledgement,
  ApiUsage,
  ChangesPage,
  ChangesRequest,
  Connector,
  ConnectorProblem,
  Delivery,
  Fetched,
  FetchOptions,
  IncomingEvent,
  RejectReason,
  StreamBatch,
  StreamOptions,
  StreamRequest,
  Verdict,
} from './model/connector.js';
export type { ListedRecord, ListedResource, ListPage, ListRequest } from './model/listing.js';
export { SyncEvent, type EventOrigin, type EventState } from './model/event.js';
export {
  DEFAULT_CONNECTION,
  type ConnectionKey,
  type HydratedRecord,
  type RecordKey,
  type RecordRef,
} from './model/record.js';

export type { Around, HandlerAround, HandlerCall } from './handlers/around.js';
export { OnSyncAlarm } from './handlers/on-sync-alarm.decorator.js';
export { OnSyncChange } from './handlers/on-sync-change.decorator.js';
export { OnSyncEvent } from './handlers/on-sync-event.decorator.js';
export type { Provided } from './handlers/provided-function.js';
export type {
  HeldFields,
  HeldValue,
  ReadContext,
  ReadRecords,
  RecordReader,
} from './handlers/record-reader.js';
export type {
  ChangeHandlerOptions,
  EventHandlerOptions,
  HandlerOptions,
  RequiredRecord,
  SourceSelector,
} from './handlers/handler.options.js';
export {
  mirror,
  type Mirror,
  type MirrorMap,
  type MirrorMapper,
  type MirrorOptions,
  type TargetMirrorOptions,
} from './handlers/mirror.js';
export { SyncTargets } from './handlers/targets/sync-targets.js';
export type { Target, TargetContext, TargetRow } from './model/target.js';
export { SyncContext } from './handlers/sync.context.js';
export type { SyncFeatureAsyncOptions, SyncFeatureOptions } from './handlers/sync-feature.js';

export type { EraseResult } from './inbox/erase.service.js';
export type { AdoptOptions, AdoptResult } from './process/adopt.service.js';
export type { ConnectionTarget, PauseTarget, RecordTarget } from './process/operator-targets.js';
export type { ReplayFilter, ReplayOptions, ReplayResult } from './inbox/replay.service.js';
export type { BackfillOptions } from './ingest/runs/backfill.service.js';
export type { ProjectOptions } from './ingest/runs/project.service.js';
export type { ReconcileOptions } from './ingest/runs/reconcile.service.js';
export type { ListingTarget } from './ingest/runs/listing.targets.js';
export { SyncRun, type RunControl } from './ingest/runs/sync-run.js';
export type { PollResult } from './ingest/poll/poll.service.js';
export type { Answer, IncomingDelivery } from './ingest/webhook/webhook.door.js';

export type { SyncDatabaseType } from './entities/index.js';
export {
  SyncConnectionEntity,
  SyncCursorEntity,
  SyncEventEntity,
  syncEntities,
  SyncFindingEntity,
  SyncMarkEntity,
  syncMigrations,
  SyncPauseEntity,
  SyncRecordEntity,
  SyncRunEntity,
} from './entities/index.js';
