import type { IncomingMessage } from 'node:http';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { BodyReader, type FrameworkBody, type NoBody } from './body.reader.js';
import { BODY_CONSUMED, WebhookDoor, type Answer } from './webhook.door.js';
import type { WebhookTarget } from './webhook.path.js';
import { replyOf, type Reply } from './webhook.reply.js';

/** The way of a request to its reply, whoever has taken it from the network. */
@Injectable()
export class WebhookReceiver implements OnModuleDestroy {
  private readonly logger = new Logger(WebhookReceiver.name);
  private leaving = false;

  constructor(
    private readonly door: WebhookDoor,
    private readonly bodies: BodyReader,
  ) {}

  /**
   * The application is about to end, and takes deliveries until its HTTP server is closed: that waits for the end of each
   * connection on which another request has come.
   */
  onModuleDestroy(): void {
    this.leaving = true;
  }

  /** The reply to a request whose body need not even be sent, by what can be told without it. */
  refused({ headers }: IncomingMessage, { source, connection }: WebhookTarget): Reply | undefined {
    const refused = this.door.refusedUnread(source, connection);
    if (refused) return replyOf(refused, true);
    if (!this.bodies.isTooLarge(Number(headers['content-length']))) return undefined;
    return replyOf(this.door.counted(source, { status: 413, reason: 'too-large' }), true);
  }

  /**
   * Reads the body, and has it pass through the door.
   * @param framework what the host's framework may have kept of it
   * @returns null: the sender has gone, and hears nothing more
   */
  async receive(
    request: IncomingMessage,
    { source, connection }: WebhookTarget,
    framework: FrameworkBody,
  ): Promise<Reply | null> {
    const refused = this.door.refusedUnread(source, connection);
    if (refused) return replyOf(refused, this.leaving);

    const body = await this.bodies.read(request, framework);
    if (body === 'gone') return null;
    if (!Buffer.isBuffer(body))
      // The rest of such a body is not waited for.
      return replyOf(this.door.counted(source, this.answerTo(body)), this.leaving || !request.readableEnded);
    const { headers } = request;
    const delivery = { body, headers, connectionId: connection, search: searchOf(request) };
    return replyOf(await this.door.receive(source, delivery), this.leaving);
  }

  private answerTo(reason: Exclude<NoBody, 'gone'>): Answer {
    if (reason === 'too-large') return { status: 413, reason };
    if (reason === 'too-slow') return { status: 408, reason };
    this.logger.error(
      'the body of a delivery had been read before it came here, so its signature cannot be checked: ' +
        'pass { rawBody: true } to NestFactory.create(), or take the middleware that reads it off this path',
    );
    return BODY_CONSUMED;
  }
}

function searchOf({ url = '' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
