import { Injectable } from '@nestjs/common';
import { Dispatcher } from './dispatch/dispatcher.js';
import {
  ReplayService,
  type ReplayFilter,
  type ReplayOptions,
  type ReplayResult,
} from './inbox/replay.service.js';
import { EraseService, type EraseResult } from './inbox/erase.service.js';
import { PauseService } from './inbox/pause.service.js';
import type { PollResult } from './ingest/poll/poll.service.js';
import { PollingScheduler } from './ingest/poll/polling.scheduler.js';
import { BackfillService, type BackfillOptions } from './ingest/runs/backfill.service.js';
import { FindingReportService } from './ingest/runs/finding-report.service.js';
import { ReconcileService, type ReconcileOptions } from './ingest/runs/reconcile.service.js';
import { ProjectService, type ProjectOptions } from './ingest/runs/project.service.js';
import { RunReportService } from './ingest/runs/run-report.service.js';
import { RunScheduler } from './ingest/runs/run.scheduler.js';
import { RunService } from './ingest/runs/run.service.js';
import { SyncRun } from './ingest/runs/sync-run.js';
import { WebhookDoor, type Answer, type IncomingDelivery } from './ingest/webhook/webhook.door.js';
import type { ConnectionStatus } from './model/status.js';
import { StatusService } from './observe/status.service.js';
import { ExplainService } from './observe/explain.service.js';
import { AdoptService, type AdoptOptions, type AdoptResult } from './process/adopt.service.js';
import {
  OperatorTargets,
  type ConnectionTarget,
  type PauseTarget,
  type RecordTarget,
} from './process/operator-targets.js';

/**
 * What applications call. Injectable anywhere once `SyncModule.forRoot()` is imported.
 *
 * With `enabled: false`, `receive()` answers 503 `disabled`, `idle()` resolves at once, and the others reject with
 * `SYNC_DISABLED`.
 */
@Injectable()
export class SyncService {
  constructor(
    private readonly door: WebhookDoor,
    private readonly polling: PollingScheduler,
    private readonly backfills: BackfillService,
    private readonly reconciliations: ReconcileService,
    private readonly projections: ProjectService,
    private readonly findings: FindingReportService,
    private readonly runs: RunService,
    private readonly runners: RunScheduler,
    private readonly reports: RunReportService,
    private readonly replays: ReplayService,
    private readonly explains: ExplainService,
    private readonly statuses: StatusService,
    private readonly dispatcher: Dispatcher,
    private readonly pauses: PauseService,
    private readonly targets: OperatorTargets,
    private readonly erases: EraseService,
    private readonly adopts: AdoptService,
  ) {}

  /**
   * Takes a delivery from a controller of the host's own: the same way as through ours. Its `body` is what the sender
   * signed, byte for byte: `request.rawBody`, with `rawBody: true` in `NestFactory.create()`. Never throws; answer with
   * `status`, and `Retry-After` where `retryAfterSeconds` is given. 200 means durable.
   * @param source the source's name in `SyncModule.forRoot({ sources })`
   */
  receive(source: string, delivery: IncomingDelivery): Promise<Answer> {
    return this.door.receive(source, delivery);
  }

  /**
   * Reads what has happened at a source now, rather than when it is due, and resolves when it is stored: `idle()` waits for
   * handlers. A connection that another process is reading is left out.
   * @returns what each connection's log has given
   * @throws RangeError for a source that is not polled, a connection that it has not, or a field that there is not
   */
  async poll(target: ConnectionTarget): Promise<PollResult[]> {
    return this.polling.pollNow(this.targets.connection('poll', target));
  }

  /**
   * Reads whole listings, so that change handlers and mirrors get to know every record: for a new one, or a source that is
   * new. What is known as it is listed calls nobody, and event handlers are called by none of it. Resolves when the run is
   * written down; it goes on in the background of processes that run handlers, and survives their end.
   * @throws RangeError for a source, connection or resource that cannot be listed, a `from` that is not before `to`, or a
   * field that there is not; no run is begun then
   */
  async backfill(options: BackfillOptions): Promise<SyncRun> {
    return this.begun(await this.backfills.begin(options));
  }

  /**
   * Compares what the provider has with what is known: by listing everything, so it also finds updates of old records and
   * deletions that nothing has told of. What differs is read once more by itself, and put right by the same way as any
   * event; the run's report says what was found and why. A second run finds nothing.
   * @throws RangeError for a source, connection or resource that cannot be listed, or a field that there is not
   */
  async reconcile(options: ReconcileOptions): Promise<SyncRun> {
    return this.begun(await this.reconciliations.begin(options));
  }

  /**
   * Shows every record to one change handler or mirror again, as it is now: its `map` has changed, or it is new. What others
   * have seen already is not shown to them. A run like a backfill: listed, in the background, resumable.
   * @throws RangeError for a handler that there is not, or whose records cannot be listed, or a field that there is not
   */
  async project(options: ProjectOptions): Promise<SyncRun> {
    return this.begun(await this.projections.begin(options));
  }

  /** A run by its id, from any process. Its methods throw RangeError if there is none of that id. */
  run(id: string): SyncRun {
    return new SyncRun(id, {
      report: () => this.reports.report(id),
      findings: async (limit, offset) => {
        await this.runs.get(id);
        return this.findings.list(id, limit, offset);
      },
      change: async (to) => {
        await this.runs.get(id);
        await this.runs.change(id, to);
        await this.runners.look();
      },
    });
  }

  /** One that is begun now, rather than when it is looked for next. */
  private async begun(id: string): Promise<SyncRun> {
    await this.runners.look();
    return this.run(id);
  }

  /**
   * Makes settled events wait again. By default the handlers that have not succeeded run; with `handlers: 'all'`, all
   * of them, with new idempotency keys. Order is not kept towards events that were settled since. What `eventId`, `id` or
   * `state: 'dead'` does not lead to is looked for in the whole inbox, ten thousand events at a time: a second or so for a
   * million of them. If it rejects on the way, part of them wait; the same call goes on with the others, and with `'all'`
   * runs once more what has run by then, unless the source is paused meanwhile.
   * @returns how many events wait again, spread over time by `perSecond`; with `'failed'` also those with which every handler has
   * succeeded, which are settled again with no call
   * @throws RangeError for no filter at all, a field, value, source or handler that is not known
   */
  async replay(filter: ReplayFilter, options?: ReplayOptions): Promise<ReplayResult> {
    const result = await this.replays.replay(this.targets.replay(filter, options), options);
    await this.dispatcher.sweep();
    return result;
  }

  /** How each source is: whether webhooks and the API work, what waits and for what, and what the last runs came to. */
  status(): Promise<ConnectionStatus[]> {
    return this.statuses.status(this.targets.connections());
  }

  /**
   * Says in words why an event is where it is.
   * @param eventId the provider's id of the event, or the inbox id
   * @throws RangeError if that is no text
   */
  async explain(eventId: string): Promise<string> {
    this.targets.event(eventId);
    return this.explains.explain(eventId);
  }

  /**
   * Pauses a source, one of its connections, or a handler, for all processes and until `resume()`: deliveries are
   * accepted as before, and wait. Passes that are under way come to their end; other processes pass over a handler from
   * a second later on.
   * @throws RangeError for a source or handler that this process does not know, or a field that there is not
   */
  async pause(target: PauseTarget): Promise<void> {
    await this.pauses.pause(this.targets.pause(target));
  }

  /** Ends a pause: what has waited runs, in order. Without effect on what is not paused. */
  async resume(target: PauseTarget): Promise<void> {
    await this.pauses.resume(this.targets.pause(target));
    await this.dispatcher.sweep();
  }

  /**
   * Forgets a record: the bodies of its events, errors and marks. What waits is settled as `erased`. Ids are kept, so that
   * a late delivery stays a duplicate, and a tombstone. Your own tables are yours to erase, and a record that still lives
   * at the provider comes back with its next event. What waits is gone first; what is settled is then looked for in the whole
   * inbox, ten thousand events at a time: a second or two for a million of them. If it rejects on the way, call it again.
   * @returns how many events there were of it: 0 is also the answer for a record that was never heard of
   * @throws RangeError for a source or field that is not known
   */
  async erase(record: RecordTarget): Promise<EraseResult> {
    return this.erases.erase(this.targets.record(record));
  }

  /**
   * Makes records known that you have rows for from before the module came: no handler is called for them, `requires`
   * finds them, and their next change is an `updated`. May be called again at any time; what is known stays as it is.
   * @throws RangeError for a source, resource, entity, column or field that is not known
   */
  async adopt<Row extends object>(
    source: string,
    resource: string,
    options: AdoptOptions<Row>,
  ): Promise<AdoptResult> {
    this.targets.adoption(source, resource, options);
    return this.adopts.adopt(source, resource, options);
  }

  /**
   * Resolves when no event is due and no handler runs, on any process: never, where events wait and no process is
   * `all` or `worker`. What waits for a later time does not count: for a back-off, or for the budget of API calls to be
   * there again. For tests and scripts.
   */
  idle(): Promise<void> {
    return this.dispatcher.idle();
  }
}
