import http from 'node:http';
import { createRequire } from 'node:module';
import {
  Body,
  Controller,
  Module,
  Post,
  Req,
  VersioningType,
  type INestApplication,
  type RawBodyRequest,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SyncEventEntity, type WebhookOptions } from 'nestjs-hybrid-sync';
import { signedDelivery, type SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { compileChildProgram } from '../support/child-app.js';
import { deliver, type DeliverOptions } from '../support/deliver.js';
import { startHost, type Host, type HostOptions } from '../support/host.js';
import { WAYS_IN } from '../support/ways-in.js';

const { json } = createRequire(import.meta.url)('express') as { json(): () => void };

/** A route of the host's own. */
@Controller({ path: 'echo', version: '1' })
class EchoController {
  @Post()
  echo(@Body() body: unknown, @Req() request: RawBodyRequest<object>) {
    return { body, rawBody: request.rawBody?.toString() ?? null };
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

/** What a host's main.ts may do, by adapter; `echo`: where its own route is then, `webhooks`: where the door is. */
interface HostStyle {
  on?: 'express' | 'fastify';
  options: Pick<HostOptions, 'nest' | 'configure'> & { webhooks?: WebhookOptions };
  echo?: string;
  webhooks?: string;
}

const styles: Record<string, HostStyle> = {
  'as it comes': { options: {} },
  'with a global prefix': {
    options: { configure: (app) => app.setGlobalPrefix('api') },
    echo: '/api/echo',
    webhooks: '/api/webhooks/stripe',
  },
  'with a global prefix that leaves the door out': {
    options: { configure: (app) => app.setGlobalPrefix('api', { exclude: ['webhooks/*path'] }) },
    echo: '/api/echo',
  },
  'with versions in its URLs': {
    options: {
      configure: (app) =>
        app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    },
    echo: '/api/v1/echo',
    webhooks: '/api/webhooks/stripe',
  },
  'with a path of its own for the door': {
    options: { webhooks: { path: '/hooks/in/' } },
    webhooks: '/hooks/in/stripe',
  },
  'that keeps raw bodies': { options: { nest: { rawBody: true } } },
  'that has its own parser': {
    on: 'express',
    options: { nest: { bodyParser: false }, configure: (app) => app.use(json()) },
  },
  'that has its own parser ': {
    on: 'fastify',
    options: { nest: { bodyParser: false }, configure: addFastifyParser },
  },
};

function addFastifyParser(app: INestApplication): void {
  const fastify = (app as NestFastifyApplication).getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, JSON.parse(body as string)),
  );
}

let made = 0;

/** A delivery of at least so many bytes. */
function delivery(host: Host, bytes = 0): SignedDelivery & { id: string } {
  made += 1;
  const id = `cus_door_${made}`;
  const payload = host.stripe.emit(
    'customer.created',
    'customer',
    { id, description: 'x'.repeat(bytes) },
    { delivery: 'lost' },
  );
  return { id: payload.id, ...signedDelivery({ payload, secret: host.stripe.webhookSecret }) };
}

describe.each(WAYS_IN)('the door, on $adapter, $receive', ({ adapter, receive }) => {
  const here = Object.entries(styles).filter(([, { on = adapter }]) => on === adapter);

  describe.each(here)('of a host %s', (_, { options, echo = '/echo', webhooks = '/webhooks/stripe' }) => {
    let host: Host;
    beforeAll(async () => {
      host = await startHost({
        adapter,
        imports: [EchoModule],
        ...options,
        webhooks: { ...options.webhooks, receive },
      });
    });
    afterAll(() => host?.close());

    async function expectAccepted({ id, ...signed }: ReturnType<typeof delivery>, how: DeliverOptions = {}) {
      const { status, body } = await deliver(`${host.url}${webhooks}`, signed, how);
      expect({ status, body }).toEqual({ status: 200, body: '{"received":true}' });
      expect(await host.dataSource.getRepository(SyncEventEntity).countBy({ eventId: id })).toBe(1);
    }

    it('takes a delivery, also one that is larger than the host allows its own', async () => {
      await expectAccepted(delivery(host));
      await expectAccepted(delivery(host, 300_000));
    });

    it("leaves the host's own routes alone: the body is parsed, its limit is in force", async () => {
      const text = '{"a":[1,"ü"]}';
      const post = (body: string) =>
        deliver(`${host.url}${echo}`, {
          body: Buffer.from(body),
          headers: { 'content-type': 'application/json' },
        });
      const { status, body } = await post(text);
      expect([status, JSON.parse(body)]).toEqual([
        201,
        { body: JSON.parse(text) as unknown, rawBody: options.nest?.rawBody ? text : null },
      ]);
      const ownLimit = adapter === 'express' ? 102_400 : 1_048_576;
      expect((await post(JSON.stringify('x'.repeat(ownLimit)))).status).toBe(413);
    });
  });

  describe('however it is sent', () => {
    let host: Host;
    let url: string;
    beforeAll(async () => {
      host = await startHost({ adapter, webhooks: { receive } });
      url = `${host.url}/webhooks/stripe`;
    });
    afterAll(() => host?.close());

    it('in pieces, with no length announced', async () => {
      expect((await deliver(url, delivery(host, 150_000), { chunked: true })).status).toBe(200);
    });

    it('only after the server has said "continue"', async () => {
      const { body, headers } = delivery(host, 5_000);
      expect((await deliver(url, { body, headers: { ...headers, expect: '100-continue' } })).status).toBe(
        200,
      );
    });

    it('on the connection on which one was just too large', async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<unknown>();
      agent.on('free', (socket) => sockets.add(socket));
      for (const [bytes, status] of [
        [2_000_000, 413],
        [10, 200],
        [2_000_000, 413],
        [10, 200],
      ] as const)
        expect((await deliver(url, delivery(host, bytes), { agent })).status).toBe(status);
      expect(sockets.size).toBe(1);
      agent.destroy();
    });

    it('with a query, or as another type of content', async () => {
      const { body, headers } = delivery(host);
      const variants = [`${url}?a=/b`, ...(adapter === 'express' ? [`${url}/`] : [])];
      for (const variant of variants)
        expect([variant, (await deliver(variant, { body, headers })).status]).toEqual([variant, 200]);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense'])
        expect((await deliver(url, { body, headers: { ...headers, 'content-type': type } })).status).toBe(
          200,
        );
    });

    if (adapter === 'fastify') {
      // In a process of its own: jest cannot load what Fastify loads for it.
      it('by inject(), past the HTTP server', async () => {
        const program = compileChildProgram();
        const { database, stripe } = host;
        const child = await program.start({ database, stripe, adapter, webhooks: { receive } });
        const { id, ...signed } = delivery(host, 300_000);
        expect(await child.inject('/webhooks/stripe', signed)).toMatchObject({
          status: 200,
          body: '{"received":true}',
        });
        expect(await host.dataSource.getRepository(SyncEventEntity).countBy({ eventId: id })).toBe(1);
        await program.close();
      });
    }
  });

  it('says 503, not "wrong signature", where someone has read the body away, if anyone can', async () => {
    const read = (request: http.IncomingMessage, _: unknown, next: () => void) =>
      request.on('data', () => undefined).on('end', next);
    const host = await startHost({ adapter, webhooks: { receive }, configure: (app) => app.use(read) });
    const answer = await deliver(`${host.url}/webhooks/stripe`, delivery(host));
    if (receive === 'direct') expect(answer.status).toBe(200);
    else {
      expect([answer.status, answer.body]).toEqual([503, '{"error":"body-consumed"}']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    await host.close();
  });
});
