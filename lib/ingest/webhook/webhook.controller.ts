import { ServerResponse, type IncomingMessage } from 'node:http';
import {
  applyDecorators,
  Controller,
  Inject,
  Logger,
  Post,
  Req,
  Res,
  VERSION_NEUTRAL,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Acknowledgement } from '../../model/connector.js';
import { BodyReader, type NoBody } from './body.reader.js';
import { HiddenInOpenApi } from './hidden-in-openapi.decorator.js';
import { BODY_CONSUMED, WebhookDoor, type Answer } from './webhook.door.js';

/** Express' request is Node's; Fastify's has it inside. */
type FrameworkRequest = (IncomingMessage | { raw: IncomingMessage }) & {
  params: { source: string; connection?: string };
  rawBody?: unknown;
  body?: unknown;
};

/** The controller class for a path. It answers by itself, so that no interceptor or filter of the host's rewrites it. */
export function webhookControllerFor(path: string, decorators: readonly ClassDecorator[] = []): Type<object> {
  @HiddenInOpenApi() // the outermost, so that it sees what the host's have said
  @applyDecorators(...decorators)
  @Controller({ path, version: VERSION_NEUTRAL })
  class WebhookController implements OnModuleDestroy {
    private readonly logger = new Logger(WebhookController.name);
    private leaving = false;

    constructor(
      @Inject(WebhookDoor) private readonly door: WebhookDoor,
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
      @Inject(BodyReader) private readonly bodies: BodyReader,
    ) {}

    /** The application is about to end, and takes deliveries until its HTTP server is closed. */
    onModuleDestroy(): void {
      this.leaving = true;
    }

    @Post([':source', ':source/:connection'])
    async receive(@Req() request: FrameworkRequest, @Res() response: unknown): Promise<void> {
      const { source, connection: connectionId } = request.params;
      const refused = this.door.refusedUnread(source, connectionId);
      if (refused) return this.reply(response, refused);

      const message = 'raw' in request ? request.raw : request;
      const body = await this.bodies.read(message, request);
      if (body === 'gone') return;
      if (Buffer.isBuffer(body))
        return this.reply(
          response,
          await this.door.receive(source, {
            body,
            headers: message.headers,
            connectionId,
            search: searchOf(message),
          }),
        );
      // The rest of such a body is not waited for.
      if (!message.readableEnded) this.adapterHost.httpAdapter.setHeader(response, 'Connection', 'close');
      this.reply(response, this.door.counted(source, this.answerTo(body)));
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

    private reply(response: unknown, answer: Answer): void {
      const { status, reason, retryAfterSeconds, acknowledgement } = answer;
      const { httpAdapter } = this.adapterHost;
      // A closing server waits for the end of each connection on which another request has come.
      if (this.leaving) httpAdapter.setHeader(response, 'Connection', 'close');
      if (retryAfterSeconds !== undefined)
        httpAdapter.setHeader(response, 'Retry-After', String(retryAfterSeconds));
      const { contentType, body } = acknowledgement ?? jsonOf(reason);
      if (response instanceof ServerResponse) return answerAtOnce(response, status, contentType, body);
      httpAdapter.setHeader(response, 'Content-Type', contentType);
      httpAdapter.reply(response, body, status);
    }
  }
  return WebhookController;
}

function jsonOf(reason: Answer['reason']): Acknowledgement {
  const body = reason === undefined ? { received: true } : { error: reason };
  return { contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

/** Express' own way has an ETag computed and settings looked up: a tenth of all that a delivery costs. */
function answerAtOnce(response: ServerResponse, status: number, contentType: string, body: string): void {
  response
    .writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

function searchOf({ url = '' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
