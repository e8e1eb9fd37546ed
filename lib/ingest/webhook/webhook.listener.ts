import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { webhookRoute } from './host-prefix.js';
import { NOT_STORED } from './webhook.door.js';
import { WebhookPath, type WebhookTarget } from './webhook.path.js';
import { WebhookReceiver } from './webhook.receiver.js';
import { replyOf, type Reply } from './webhook.reply.js';

type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Takes deliveries from the host's HTTP server before its framework does. Everything else goes where it went before, and
 * so do deliveries that come by another way than this server: injected ones, and those of a second listener of Fastify's.
 */
@Injectable()
export class WebhookListener {
  private readonly logger = new Logger(WebhookListener.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
    private readonly receiver: WebhookReceiver,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** @param path of the webhooks, as the options have it; the host's prefix is known by now */
  install(path: string): void {
    const adapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    // A standalone application context has no HTTP.
    if (!adapter) return;
    const server: unknown = adapter.getHttpServer();
    if (!(server instanceof HttpServer || server instanceof HttpsServer)) {
      this.logger.warn(
        "webhooks: { receive: 'direct' } needs a server of node:http or node:https, and the application has another: " +
          "deliveries are taken by the controller, as with receive: 'controller'",
      );
      return;
    }
    const { prefix } = webhookRoute(path, this.moduleRef);
    const webhooks = new WebhookPath(path, [prefix], Object.keys(this.options.sources));
    const targetOf = ({ method, url = '' }: IncomingMessage) =>
      method === 'POST' ? webhooks.find(url) : undefined;

    const others = takeListeners(server, 'request');
    server.on('request', (request, response) => {
      const target = targetOf(request);
      if (target) void this.serve(request, response, target);
      else for (const listener of others) listener.call(server, request, response);
    });
    this.answerExpectations(server, targetOf);
  }

  /** A sender that waits for a word before it sends its body need not send what would be refused. */
  private answerExpectations(
    server: HttpServer | HttpsServer,
    targetOf: (request: IncomingMessage) => WebhookTarget | undefined,
  ): void {
    const others = takeListeners(server, 'checkContinue');
    server.on('checkContinue', (request, response) => {
      const target = targetOf(request);
      if (target) void this.serve(request, response, target, true);
      else if (others.length > 0) for (const listener of others) listener.call(server, request, response);
      else if (server.listenerCount('checkContinue') === 1) {
        // What Node does where nobody listens to this, and nobody has since.
        response.writeContinue();
        server.emit('request', request, response);
      }
    });
  }

  /** Never rejects: here nobody else would catch anything. */
  private async serve(
    request: IncomingMessage,
    response: ServerResponse,
    target: WebhookTarget,
    expectsContinue = false,
  ): Promise<void> {
    try {
      const refusal = expectsContinue ? this.receiver.refused(request, target) : undefined;
      if (refusal) return this.send(response, refusal);
      if (expectsContinue) response.writeContinue();
      const reply = await this.receiver.receive(request, target, {});
      if (reply) this.send(response, reply);
    } catch (error) {
      this.logger.error(error);
      if (response.headersSent) response.destroy();
      else this.send(response, replyOf(NOT_STORED));
    }
  }

  private send(response: ServerResponse, { status, headers, body }: Reply): void {
    response.writeHead(status, headers).end(body);
  }
}

/** Takes them off, those that are to be called once as they were. */
function takeListeners(server: HttpServer | HttpsServer, event: string): RequestListener[] {
  const listeners = server.rawListeners(event) as RequestListener[];
  server.removeAllListeners(event);
  return listeners;
}
