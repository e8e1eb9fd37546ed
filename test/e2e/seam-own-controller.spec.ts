import {
  Body,
  Controller,
  Injectable,
  Module,
  Param,
  Post,
  Req,
  Res,
  type RawBodyRequest,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OnSyncEvent, SyncEvent, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import type { IncomingHttpHeaders } from 'node:http';
import { deliver } from '../support/deliver.js';
import { startHost, type Host } from '../support/host.js';
import { quick } from '../support/scenario.js';

/** The host had it long before, at an address that stands in the provider's settings. */
@Controller()
class OldController {
  constructor(
    private readonly sync: SyncService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Post(['legacy/:source', 'legacy/:source/:connectionId'])
  async hook(
    @Req() { rawBody, headers }: RawBodyRequest<{ headers: IncomingHttpHeaders }>,
    @Param() { source, connectionId }: { source: string; connectionId?: string },
    @Res() response: unknown,
  ) {
    const answer = await this.sync.receive(source, { body: rawBody!, headers, connectionId });
    const { httpAdapter } = this.adapterHost;
    if (answer.retryAfterSeconds)
      httpAdapter.setHeader(response, 'Retry-After', `${answer.retryAfterSeconds}`);
    httpAdapter.reply(response, answer.reason ?? 'thank you', answer.status);
  }

  /** Where ours would be. */
  @Post('webhooks/:anything')
  echo(@Body() body: unknown) {
    return body;
  }
}

@Module({ controllers: [OldController] })
class OldModule {}

@Injectable()
class Billing {
  readonly seen: string[] = [];

  @OnSyncEvent('stripe', '*')
  event(event: SyncEvent) {
    this.seen.push(`${event.type} ${event.connectionId}`);
  }
}

describe.each(['express', 'fastify'] as const)(
  "a controller of the host's own as the door, on %s",
  (adapter) => {
    let host: Host;

    async function start(rawBody: boolean) {
      const { apiKey, webhookSecrets, connections } = {
        apiKey: 'sk_test_1',
        webhookSecrets: ['whsec_main'],
        connections: { us: { apiKey: 'sk_test_2', webhookSecrets: ['whsec_us'] } },
      };
      host = await startHost({
        ...quick,
        adapter,
        webhooks: false,
        nest: { rawBody },
        imports: [OldModule],
        providers: [Billing],
        source: { ...quick.source, ...stripe({ apiKey, webhookSecrets, connections }) },
      });
    }
    afterEach(() => host?.close());

    let made = 0;
    async function post(path: string, secret: string) {
      // An event about nothing that could be fetched.
      const payload = {
        id: `evt_${(made += 1)}`,
        object: 'event',
        type: 'balance.available',
        data: { object: { object: 'x' } },
      };
      const { status, body, headers } = await deliver(
        `${host.url}/${path}`,
        signedDelivery({ payload, secret }),
      );
      return [status, body, headers['retry-after']];
    }

    it('takes deliveries, and answers as receive() says', async () => {
      await start(true);
      expect(await post('legacy/stripe', 'whsec_main')).toEqual([200, 'thank you', undefined]);
      expect(await post('legacy/stripe/us', 'whsec_us')).toEqual([200, 'thank you', undefined]);
      expect(await post('legacy/stripe', 'whsec_us')).toEqual([401, 'wrong-signature', undefined]);
      expect(await post('legacy/stripe/eu', 'whsec_us')).toEqual([404, 'unknown-connection', undefined]);
      expect(await post('legacy/paypal', 'whsec_main')).toEqual([404, 'unknown-source', undefined]);
      await host.sync.idle();
      expect(host.app.get(Billing).seen.sort()).toEqual([
        'balance.available default',
        'balance.available us',
      ]);

      await host.sql('ALTER TABLE sync_event RENAME TO gone');
      expect(await post('legacy/stripe', 'whsec_main')).toEqual([503, 'not-stored', '2']);
      await host.sql('ALTER TABLE gone RENAME TO sync_event');
    });

    it('is told to come again where the raw body was not kept, and the log says why', async () => {
      await start(false);
      const errors: string[] = [];
      host.app.useLogger({ log() {}, warn() {}, error: (message: string) => errors.push(message) });
      expect(await post('legacy/stripe', 'whsec_main')).toEqual([503, 'body-consumed', '60']);
      expect(errors).toEqual([expect.stringMatching(/request\.rawBody.*rawBody: true/)]);
    });

    it('is the only one: nothing of ours listens, or takes bodies away', async () => {
      await start(true);
      const body = Buffer.from('{"a":1}');
      const answer = await deliver(`${host.url}/webhooks/stripe`, {
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect([answer.status, answer.body]).toEqual([201, '{"a":1}']);
    });
  },
);
