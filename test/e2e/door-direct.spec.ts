import dns from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { Body, Controller, Logger, Module, Post, type INestApplication } from '@nestjs/common';
import type { WebhookOptions } from 'nestjs-hybrid-sync';
import { signedDelivery, type SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { WebhookReceiver } from '../../lib/ingest/webhook/webhook.receiver.js';
import { deliver, type Received } from '../support/deliver.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { bytesOf } from '../support/wire.js';

const LIMIT = 50_000;

@Controller('echo')
class EchoController {
  @Post()
  echo(@Body() body: unknown) {
    return { body };
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

afterEach(() => void jest.restoreAllMocks());

describe.each(['express', 'fastify'] as const)('a door that takes deliveries directly, on %s', (adapter) => {
  const open: Host[] = [];
  async function start(options: HostOptions & { webhooks?: WebhookOptions } = {}): Promise<Host> {
    const host = await startHost({
      adapter,
      imports: [EchoModule],
      ...options,
      sync: { bodyLimitBytes: LIMIT },
      webhooks: { ...options.webhooks, receive: 'direct' },
    });
    open.push(host);
    return host;
  }
  afterEach(async () => {
    for (const host of open.splice(0)) await host.close();
  });

  let made = 0;
  function delivery(host: Host): SignedDelivery & { id: string } {
    made += 1;
    const id = `evt_direct_${made}`;
    const object = { id: `cus_direct_${made}`, object: 'customer' };
    const payload = { id, object: 'event', type: 'customer.created', data: { object } };
    return { id, ...signedDelivery({ payload, secret: host.stripe.webhookSecret }) };
  }

  const post = (host: Host, path = '/webhooks/stripe', base = host.url): Promise<Received> =>
    deliver(`${base}${path}`, delivery(host));

  /** A request of the host's own. */
  const echo = (host: Host, headers: http.OutgoingHttpHeaders = {}): Promise<Received> =>
    deliver(`${host.url}/echo`, {
      body: Buffer.from('{"a":1}'),
      headers: { 'content-type': 'application/json', ...headers },
    });

  async function expectEchoed(host: Host, headers?: http.OutgoingHttpHeaders): Promise<void> {
    const { status, body } = await echo(host, headers);
    expect([status, body]).toEqual([201, '{"body":{"a":1}}']);
  }

  async function stored(host: Host): Promise<string[]> {
    return (await host.sql<{ event_id: string }>('SELECT event_id FROM sync_event')).map(
      (row) => row.event_id,
    );
  }

  it('passes by what the host does with requests, and nothing else does', async () => {
    const seen: (string | undefined)[] = [];
    const note = (request: http.IncomingMessage, _: unknown, next: () => void) => {
      seen.push(request.url);
      next();
    };
    const host = await start({ configure: (app) => app.use(note) });
    expect((await post(host)).status).toBe(200);
    await expectEchoed(host);
    expect((await post(host, '/webhooks/github')).status).toBe(404);
    expect(seen.filter((url) => url === '/webhooks/stripe')).toEqual([]);
    expect(new Set(seen).size).toBeGreaterThan(0);
    expect((await post(host, '/webhooks/stripe/elsewhere')).body).toBe('{"error":"unknown-connection"}');
  });

  it('stands where the controller does under a global prefix, and nowhere else', async () => {
    const under = await start({ configure: (app) => app.setGlobalPrefix('api') });
    expect((await post(under, '/api/webhooks/stripe')).status).toBe(200);
    expect((await post(under, '/webhooks/stripe')).status).toBe(404);
    const beside = await start({
      webhooks: { path: '/hooks/in/' },
      configure: (app) => app.setGlobalPrefix('api', { exclude: ['hooks/*path'] }),
    });
    expect((await post(beside, '/hooks/in/stripe')).status).toBe(200);
    expect((await post(beside, '/api/hooks/in/stripe')).status).toBe(404);
  });

  it('leaves the listeners of the host alone: those that were there, and those that come later', async () => {
    const heard: string[] = [];
    const hear = (name: string) => (request: http.IncomingMessage) =>
      void heard.push(`${name} ${request.url}`);
    const host = await start({
      configure: (app) => {
        const server = app.getHttpServer() as http.Server;
        server.on('request', hear('early'));
        server.once('request', hear('once'));
      },
    });
    const server = host.app.getHttpServer() as http.Server;
    await post(host);
    server.on('request', hear('late'));
    await expectEchoed(host);
    await expectEchoed(host);
    const twice = ['early /echo', 'late /echo'];
    expect(heard.sort()).toEqual([...twice, 'once /echo', ...twice].sort());
    // As engine.io puts itself before all that is there.
    const others = server.listeners('request') as http.RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (request.url === '/socket') response.end('a socket');
      else for (const listener of others) listener.call(server, request, response);
    });
    expect((await deliver(`${host.url}/socket`, delivery(host))).body).toBe('a socket');
    expect((await post(host)).status).toBe(200);
    await expectEchoed(host);
  });

  it('takes deliveries of a server that listens before the application is ready', async () => {
    let server!: http.Server;
    const host = await start({
      configure: (app) => {
        server = app.getHttpServer() as http.Server;
        server.listen(0, '127.0.0.1');
        jest.spyOn(app, 'listen').mockResolvedValue(server);
      },
    });
    const { id, ...signed } = delivery(host);
    const { port } = server.address() as AddressInfo;
    expect((await deliver(`http://127.0.0.1:${port}/webhooks/stripe`, signed)).status).toBe(200);
    expect(await stored(host)).toEqual([id]);
    server.closeAllConnections();
  });

  describe('asked whether it wants a body at all', () => {
    /** What comes back to the head of a request whose body waits for a word; the connection stays open. */
    async function askFor(
      host: Host,
      target: string,
      length: number,
      headers: object = {},
    ): Promise<net.Socket> {
      const { port, hostname } = new URL(host.url);
      const socket = net.connect(Number(port), hostname).setEncoding('latin1');
      const given = Object.entries({ 'Content-Length': length, Expect: '100-continue', ...headers });
      const lines = [`POST ${target} HTTP/1.1`, 'Host: a', ...given.map(([k, v]) => `${k}: ${v}`)];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      return socket;
    }

    async function whole(socket: net.Socket): Promise<string> {
      let text = '';
      for await (const piece of socket) text += piece as string;
      return text;
    }

    it('says no before it is sent, to one that is too large or goes nowhere', async () => {
      const host = await start();
      const tooLarge = await whole(await askFor(host, '/webhooks/stripe', LIMIT + 1));
      expect(tooLarge).toMatch(/^HTTP\/1\.1 413 .*\r\nconnection: close\r\n.*\{"error":"too-large"\}$/is);
      const nowhere = await whole(await askFor(host, '/webhooks/stripe/elsewhere', 10));
      expect(nowhere).toMatch(
        /^HTTP\/1\.1 404 .*\r\nconnection: close\r\n.*\{"error":"unknown-connection"\}$/is,
      );
    });

    it('says yes to others, and so does the host to its own', async () => {
      const host = await start();
      const { id, body, headers } = delivery(host);
      const socket = await askFor(host, '/webhooks/stripe', body.length, { ...headers, Connection: 'close' });
      const answer = whole(socket);
      socket.write(body);
      expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
      expect(await stored(host)).toEqual([id]);
      await expectEchoed(host, { expect: '100-continue' });
    });

    it.each(['before', 'after'])(
      'leaves it to the host where that has a say, since %s boot',
      async (since) => {
        const asked = jest.fn((request: http.IncomingMessage, response: http.ServerResponse) => {
          if (request.url === '/echo') response.writeHead(417).end();
        });
        const listen = (app: INestApplication) =>
          (app.getHttpServer() as http.Server).on('checkContinue', asked);
        const host = await start(since === 'before' ? { configure: listen } : {});
        if (since === 'after') listen(host.app);
        const { body, headers } = delivery(host);
        const expecting = { body, headers: { ...headers, expect: '100-continue' } };
        expect((await deliver(`${host.url}/webhooks/stripe`, expecting)).status).toBe(200);
        expect(asked).toHaveBeenCalledTimes(since === 'before' ? 0 : 1);
        expect((await echo(host, { expect: '100-continue' })).status).toBe(417);
      },
    );
  });

  it('outlives whatever goes wrong in it: the sender is told to come again', async () => {
    const host = await start();
    const receiver = host.app.get(WebhookReceiver, { strict: false });
    const failing = [() => Promise.reject(new Error('later')), () => raise(), () => raise(null)];
    for (const fail of failing) {
      const broken = jest.spyOn(receiver, 'receive').mockImplementationOnce(fail);
      const { status, body, headers } = await post(host);
      expect([status, body, headers['retry-after']]).toEqual([503, '{"error":"not-stored"}', '2']);
      broken.mockRestore();
    }
    expect((await post(host)).status).toBe(200);
  });

  it('closes gracefully: what is on its way is stored and answered, and no idle connection is waited for', async () => {
    const host = await start();
    const { body, headers } = delivery(host);
    const bytes = bytesOf({ target: '/webhooks/stripe', headers: Object.entries(headers), body });
    const { port, hostname } = new URL(host.url);
    const socket = net.connect(Number(port), hostname).setEncoding('latin1');
    let answer = '';
    socket.on('data', (text: string) => (answer += text));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    const server = host.app.getHttpServer() as http.Server;
    const arrived = new Promise((resolve) => server.once('request', resolve));
    socket.write(bytes.subarray(0, -1));
    await arrived;
    // It would wait for longer than the test has.
    server.keepAliveTimeout = 3_600_000;
    const closed = host.app.close();
    await until(() => !server.listening);
    socket.write(bytes.subarray(-1));
    await ended;
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n.*\{"received":true\}$/is);
    await closed;
  });
});

// All of 127.0.0.0/8 is this machine on Linux; elsewhere there may be one address only.
const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux(
  'the second address of a host name, where Fastify has another server, has the controller',
  async () => {
    const lookup = dns.lookup as (name: string, options: object, then: (...found: unknown[]) => void) => void;
    const both = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    jest.spyOn(dns, 'lookup').mockImplementation(((...[name, options, then]: Parameters<typeof lookup>) => {
      if ('all' in options && options.all) then(null, both);
      else lookup(name, options, then);
    }) as typeof dns.lookup);
    const host = await startHost({
      adapter: 'fastify',
      webhooks: { receive: 'direct' },
      configure: listenAt('localhost'),
    });
    const { port } = host.app.getHttpServer().address() as AddressInfo;
    const served = jest.spyOn(host.app.get(WebhookReceiver, { strict: false }), 'receive');
    for (const { address } of both) {
      const object = { object: 'customer', id: `cus_${address}` };
      const payload = { id: `evt_${address}`, object: 'event', type: 'customer.created', data: { object } };
      const signed = signedDelivery({ payload, secret: host.stripe.webhookSecret });
      const { status } = await deliver(`http://${address}:${port}/webhooks/stripe`, signed);
      expect([address, status]).toEqual([address, 200]);
    }
    // Only the controller has a request of a framework's to show.
    expect(served.mock.calls.map(([, , framework]) => 'params' in framework)).toEqual([false, true]);
    await host.close();
  },
);

it('a server of HTTP/2 has the controller, and a warning at boot', async () => {
  const warnings: string[] = [];
  const ignore = () => undefined;
  const warn = (message: unknown) => void warnings.push(String(message));
  const host = await startHost({
    adapter: 'fastify',
    fastify: { http2: true } as object,
    webhooks: { receive: 'direct' },
    nest: { logger: { log: ignore, error: ignore, warn } },
  });
  const client = http2.connect(host.url);
  try {
    expect(warnings).toEqual([expect.stringMatching(/receive: 'direct'.*taken by the controller/)]);
    const object = { object: 'customer', id: 'cus_h2' };
    const payload = { id: 'evt_h2', object: 'event', type: 'customer.created', data: { object } };
    const { body, headers } = signedDelivery({ payload, secret: host.stripe.webhookSecret });
    const request = client.request({ ':method': 'POST', ':path': '/webhooks/stripe', ...headers });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
    expect(answer[':status']).toBe(200);
  } finally {
    client.destroy();
    await host.close();
    Logger.overrideLogger(false);
  }
});

function listenAt(hostName: string) {
  return (app: INestApplication) => {
    const listen = app.listen.bind(app) as (port: number, host: string) => Promise<unknown>;
    jest.spyOn(app, 'listen').mockImplementation((port) => listen(Number(port), hostName));
  };
}

function raise(error: unknown = new Error('at once')): never {
  throw error;
}
