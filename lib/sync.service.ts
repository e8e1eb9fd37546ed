import { Injectable } from '@nestjs/common';
import { Dispatcher } from './dispatch/dispatcher.js';
import {
  ReplayService,
  type ReplayFilter,
  type ReplayOptions,
  type ReplayResult,
} from './inbox/replay.service.js';
import { WebhookDoor, type Answer, type IncomingDelivery } from './ingest/webhook.door.js';
import { ExplainService } from './observe/explain.service.js';

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
    private readonly replays: ReplayService,
    private readonly explains: ExplainService,
    private readonly dispatcher: Dispatcher,
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
   * Makes settled events wait again. By default the handlers that have not succeeded run; with `handlers: 'all'`, all
   * of them, with new idempotency keys. Order is not kept towards events that were settled since.
   * @returns how many events wait again; they are spread over time by `perSecond`
   */
  async replay(filter: ReplayFilter, options?: ReplayOptions): Promise<ReplayResult> {
    const result = await this.replays.replay(filter, options);
    await this.dispatcher.sweep();
    return result;
  }

  /**
   * Says in words why an event is where it is.
   * @param eventId the provider's id of the event, or the inbox id
   */
  explain(eventId: string): Promise<string> {
    return this.explains.explain(eventId);
  }

  /**
   * Resolves when no event is due and no handler runs, on any process: never, where events wait and no process is
   * `all` or `worker`. What waits for a later time, a back-off say, does not count. For tests and scripts.
   */
  idle(): Promise<void> {
    return this.dispatcher.idle();
  }
}
