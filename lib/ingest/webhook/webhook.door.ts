import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Acknowledgement, Delivery, RejectReason } from '../../model/connector.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import { Dispatcher, dueRecordsOf } from '../../dispatch/dispatcher.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import { InboxUnavailableError } from '../../inbox/inbox.errors.js';
import { InboxService } from '../../inbox/inbox.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { modeOf } from '../../model/mode.js';
import { Telemetry } from '../../observe/telemetry.js';
import { DeliveryTimesService } from '../poll/delivery-times.service.js';
import { SyncClock } from '../../sync.clock.js';
import { MalformedDeliveryError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';

/** What the sender is answered. */
export interface Answer {
  readonly status: 200 | 400 | 401 | 404 | 408 | 413 | 503;
  /** One line; quotes nothing of the delivery and tells nothing of the inside. Undefined: all is well. */
  readonly reason?: RejectReason | (string & {});
  /** When to try again, in seconds. */
  readonly retryAfterSeconds?: number;
  /** What the sender wants to read: to be sent as it is, if it is there. */
  readonly acknowledgement?: Acknowledgement;
}

/** A delivery as the host's HTTP server hands it over. */
export interface IncomingDelivery {
  /** The exact bytes of the body; a string stands for its UTF-8. */
  readonly body: Buffer | string;
  /** Header names in lower case, as Node gives them. */
  readonly headers: Delivery['headers'];
  /** The connection named in the URL. @default 'default' */
  readonly connectionId?: string;
  /** What stands behind the URL's question mark: some senders prove by it who they are. @default '' */
  readonly search?: string;
}

/** Asks a provider to come again soon, but not at once. */
export const NOT_STORED: Answer = { status: 503, reason: 'not-stored', retryAfterSeconds: 2 };

/** The set-up is wrong: soon would not help. */
export const BODY_CONSUMED: Answer = { status: 503, reason: 'body-consumed', retryAfterSeconds: 60 };

/** The way of a delivery: verify, parse, store, and only then a 2xx and a nudge. */
@Injectable()
export class WebhookDoor {
  private readonly logger = new Logger(WebhookDoor.name);

  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly dispatcher: Dispatcher,
    private readonly times: DeliveryTimesService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Never throws: every outcome is an answer. */
  async receive(source: string, incoming: IncomingDelivery): Promise<Answer> {
    return (
      this.refusedUnread(source, incoming.connectionId) ??
      this.counted(source, await this.answer(source, incoming))
    );
  }

  /** The answer to a delivery whose body need not be read: its URL names nothing of ours, or there is too much at once. */
  refusedUnread(source: string, connectionId: string = DEFAULT_CONNECTION): Answer | undefined {
    if (!Object.hasOwn(this.options.sources, source))
      return this.counted(null, { status: 404, reason: 'unknown-source' });
    const { connections } = this.options.sources[source]!.connector;
    if (connectionId !== DEFAULT_CONNECTION && !connections.includes(connectionId))
      return this.counted(source, { status: 404, reason: 'unknown-connection' });
    return this.inbox.isClosed ? this.counted(source, NOT_STORED) : undefined;
  }

  /** Notes what a delivery to one of the sources is answered; to none of them: null. */
  counted(source: string | null, answer: Answer): Answer {
    this.telemetry.delivered(source, answer);
    return answer;
  }

  private async answer(
    source: string,
    { body, headers, connectionId, search = '' }: IncomingDelivery,
  ): Promise<Answer> {
    const { connector } = this.options.sources[source]!;
    if (typeof body !== 'string' && !ArrayBuffer.isView(body)) {
      this.logger.error(
        'receive() was given a body that is neither bytes nor text, so its signature cannot be checked: hand over ' +
          'request.rawBody, and pass { rawBody: true } to NestFactory.create()',
      );
      return BODY_CONSUMED;
    }
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    const delivery = { body: bytes, headers, connectionId: connectionId ?? DEFAULT_CONNECTION, search };
    if (bytes.length > this.options.bodyLimitBytes) return { status: 413, reason: 'too-large' };

    try {
      const verdict = connector.verify(delivery, this.clock.now());
      if (!verdict.ok) return { status: 401, reason: verdict.reason };
      const rows = this.rowsOf(source, delivery);
      await this.inbox.accept(rows);
      this.dispatcher.dispatch(dueRecordsOf(rows));
      const { acknowledgement } = connector;
      return { status: 200, ...(acknowledgement && { acknowledgement }) };
    } catch (error) {
      return this.refusal(error);
    }
  }

  private rowsOf(source: string, delivery: Delivery): InboxRow[] {
    const { connector, mode } = this.options.sources[source]!;
    const rows = connector.parse(delivery).map((event) => this.idempotency.rowOf(source, event, delivery));
    for (const { record } of rows) this.times.note(record);
    return rows.filter(({ record }) => modeOf(mode, record.resource) !== 'poll');
  }

  private refusal(error: unknown): Answer {
    if (error instanceof MalformedDeliveryError) return { status: 400, reason: error.reason };
    if (!(error instanceof InboxUnavailableError)) this.logger.error(error);
    return NOT_STORED;
  }
}
