import { Inject, Injectable } from '@nestjs/common';
import { isDataError } from '../../database/database.errors.js';
import { Dispatcher, dueRecordsOf } from '../../dispatch/dispatcher.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { InboxService } from '../../inbox/inbox.service.js';
import type { IncomingEvent } from '../../model/connector.js';
import { modeOf } from '../../model/mode.js';
import { Telemetry } from '../../observe/telemetry.js';
import { StartService } from '../../process/start.service.js';
import { SyncClock } from '../../sync.clock.js';
import type { CursorExpiredError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { ReconcileService } from '../runs/reconcile.service.js';
import { CursorService, type Walk } from './cursor.service.js';

/** As long as the sweep gives events to a handler that was not there when they were settled. */
const READ_AGAIN_MS = 86_400_000;

/** Where a walk begins. */
export interface Beginning {
  /** What there are handlers for. */
  readonly wanted: readonly string[];
  readonly position: string | null;
  /** From when on, where there is no position. */
  readonly since: Date;
  /** It reads what was read before: nothing in it is news. */
  readonly again: boolean;
}

/** Takes what a provider's log says, or its stream, into the inbox, and notes how far it was read in the same transaction. */
@Injectable()
export class LogIntakeService {
  constructor(
    private readonly cursors: CursorService,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly registry: HandlerRegistry,
    private readonly dispatcher: Dispatcher,
    private readonly starts: StartService,
    private readonly reconciliations: ReconcileService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * From where it was read, or again for a day if there are handlers by now that were not there then: older processes pass
   * over what only newer ones want.
   */
  begin(walk: Walk): Beginning {
    const startAt = this.starts.startOf(walk.source)?.getTime() ?? 0;
    const wanted = this.registry.wanted(walk.source);
    const again = walk.position !== null && wanted.some((each) => !walk.wanted.includes(each));
    const sinceMs = again ? Math.max(startAt, this.clock.now() - READ_AGAIN_MS) : startAt;
    return { wanted, position: again ? null : walk.position, since: new Date(sinceMs), again };
  }

  /**
   * @param position behind these events
   * @returns those that were not known
   * @throws WalkLostError if another process walks by now; nothing is stored then
   */
  async take(
    walk: Walk,
    { wanted }: Pick<Beginning, 'wanted'>,
    events: readonly IncomingEvent[],
    position: string,
  ): Promise<readonly InboxRow[]> {
    const origin = walk.kind === 'log' ? 'poll' : 'stream';
    const rows = events
      .map((event) => this.idempotency.loggedRow(walk.source, event, origin))
      .filter((row) => this.isWanted(walk, row));
    const fresh = await this.store(walk, position, wanted, rows);
    this.dispatcher.dispatch(dueRecordsOf(fresh));
    return fresh;
  }

  /** What is in no log any more can still be compared. */
  async bridgeGap(walk: Walk, { message, since }: CursorExpiredError): Promise<void> {
    const { source, connectionId } = walk;
    const begun = await this.reconciliations.beginOnce(walk, 0);
    const from = since.toISOString();
    const goesOn = walk.kind === 'log' ? 'polled' : 'streamed';
    this.telemetry.alarm({
      kind: 'cursor-expired',
      source,
      connectionId,
      message:
        `${source}/${connectionId}: what happened before ${from} is in no log any more. ${message}. It is ${goesOn} from there ` +
        `on, and ${begun ? 'everything is compared with what the provider has' : 'nothing of it can be listed'}.`,
      eventIds: [],
    });
  }

  /** What the tables refuse is kept as unstorable, as it is of a delivery, before the cursor passes it. */
  private async store(
    walk: Walk,
    position: string,
    wanted: readonly string[],
    rows: readonly InboxRow[],
  ): Promise<readonly InboxRow[]> {
    try {
      return await this.cursors.move(walk, position, wanted, (query) => this.inbox.acceptWithin(query, rows));
    } catch (error) {
      if (!isDataError(error)) throw error;
      for (const row of rows) await this.inbox.accept([row]);
      return this.cursors.move(walk, position, wanted, () => Promise.resolve(rows));
    }
  }

  /** A provider tells of all that happens there; most of it is nobody's business here. */
  private isWanted({ kind }: Walk, { type, record }: InboxRow): boolean {
    const { source, resource } = record;
    if (kind === 'log' && modeOf(this.options.sources[source]!.mode, resource) === 'webhook') return false;
    return this.registry.wants(source, type, resource);
  }
}
