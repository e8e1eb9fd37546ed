import { ServerResponse, type IncomingMessage } from 'node:http';
import {
  applyDecorators,
  Controller,
  Inject,
  Post,
  Req,
  Res,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FrameworkBody } from './body.reader.js';
import { HiddenInOpenApi } from './hidden-in-openapi.decorator.js';
import type { WebhookTarget } from './webhook.path.js';
import { WebhookReceiver } from './webhook.receiver.js';
import type { Reply } from './webhook.reply.js';

/** Express' request is Node's; Fastify's has it inside. */
type FrameworkRequest = (IncomingMessage | { raw: IncomingMessage }) &
  FrameworkBody & { params: WebhookTarget };

/** The controller class for a path. It answers by itself, so that no interceptor or filter of the host's rewrites it. */
export function webhookControllerFor(path: string, decorators: readonly ClassDecorator[] = []): Type<object> {
  @HiddenInOpenApi() // the outermost, so that it sees what the host's have said
  @applyDecorators(...decorators)
  @Controller({ path, version: VERSION_NEUTRAL })
  class WebhookController {
    constructor(
      @Inject(WebhookReceiver) private readonly receiver: WebhookReceiver,
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    ) {}

    @Post([':source', ':source/:connection'])
    async receive(@Req() request: FrameworkRequest, @Res() response: unknown): Promise<void> {
      const message = 'raw' in request ? request.raw : request;
      const reply = await this.receiver.receive(message, request.params, request);
      if (reply) this.send(response, reply);
    }

    /** Express' own way has an ETag computed and settings looked up: a tenth of all that a delivery costs. */
    private send(response: unknown, { status, headers, body }: Reply): void {
      if (response instanceof ServerResponse) return void response.writeHead(status, headers).end(body);
      const { httpAdapter } = this.adapterHost;
      for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
      httpAdapter.reply(response, body, status);
    }
  }
  return WebhookController;
}
