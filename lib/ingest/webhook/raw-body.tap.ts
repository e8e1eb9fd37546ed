import type { IncomingMessage, Server } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { globalPrefixOf } from './host-prefix.js';
import { hideBody, isBodyHidden } from './raw-body.js';
import { WebhookPath } from './webhook.path.js';

interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: { raw: IncomingMessage }, reply: unknown, done: () => void) => void,
  ): void;
}

/**
 * Keeps the host's body parsers away from the webhook path, with no change to the host's `main.ts`: at the HTTP
 * server, which all requests pass before any middleware; and in a hook of Fastify's, for requests that are injected
 * or come by a second listener. An adapter with neither (a serverless one) needs `rawBody: true`.
 */
@Injectable()
export class RawBodyTap {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  install(path: string): void {
    const adapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    // A standalone application context has no HTTP.
    if (!adapter) return;
    // The host may have excluded the controller from its prefix.
    const prefixes = [...new Set([globalPrefixOf(this.moduleRef), ''])];
    const webhooks = new WebhookPath(path, prefixes, Object.keys(this.options.sources));
    const tap = (request: IncomingMessage) => {
      if (request.method !== 'POST' || isBodyHidden(request)) return;
      if (webhooks.find(request.url ?? '')) hideBody(request);
    };
    (adapter.getHttpServer() as Server | undefined)?.prependListener('request', tap);
    if (adapter.getType() === 'fastify') {
      adapter.getInstance<FastifyLike>().addHook('onRequest', (request, _reply, done) => {
        tap(request.raw);
        done();
      });
    }
  }
}
