import { gzipSync } from 'node:zlib';
import net from 'node:net';
import { jest } from '@jest/globals';
import { signedDelivery, type SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { Telemetry } from '../../lib/observe/telemetry.js';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { WAYS_IN } from '../support/ways-in.js';
import { bytesOf, exchange } from '../support/wire.js';

const BODY_TIMEOUT_MS = 3_000;

let made = 0;

/** A delivery of its own record, and its event's id. */
function delivery(host: Host, padding = ''): SignedDelivery & { id: string } {
  made += 1;
  const id = `evt_wire_${made}`;
  const payload = {
    id,
    object: 'event',
    type: 'customer.created',
    created: Math.floor(Date.now() / 1000),
    data: { object: { id: `cus_wire_${made}`, object: 'customer', padding } },
  };
  return { id, ...signedDelivery({ payload, secret: host.stripe.webhookSecret }) };
}

describe.each(WAYS_IN)('the door, on $adapter, $receive, on the wire', ({ adapter, receive }) => {
  let host: Host;
  let url: string;
  beforeAll(async () => {
    host = await startHost({ adapter, webhooks: { receive }, sync: { bodyTimeoutMs: BODY_TIMEOUT_MS } });
    url = `${host.url}/webhooks/stripe`;
  });
  afterAll(() => host?.close());

  /** Ids of events, sorted. */
  async function stored(): Promise<string[]> {
    const rows = await host.sql<{ event_id: string }>('SELECT event_id FROM sync_event');
    return rows.map((row) => row.event_id).sort();
  }

  /** Whatever has come before: it has stored nothing, and the next good one is taken. */
  async function expectNextAccepted(before: string[]): Promise<void> {
    const { id, ...next } = delivery(host);
    expect((await deliver(url, next)).status).toBe(200);
    expect(await stored()).toEqual([...before, id].sort());
  }

  /** The bytes of a good delivery, as they might come. */
  function request({ body, headers }: Omit<SignedDelivery, 'id'>, last = true, chunkBytes?: number): Buffer {
    const all = [...Object.entries(headers), ...(last ? [['Connection', 'close'] as const] : [])];
    return bytesOf({ target: '/webhooks/stripe', headers: all, body, chunkBytes });
  }

  it('takes deliveries that are sent one behind the other, with bad ones among them', async () => {
    const before = await stored();
    const good = Array.from({ length: 20 }, () => delivery(host));
    const bad = { ...delivery(host), body: Buffer.from('{"forged":true}') };
    const pieces = good.flatMap((one, i) => [request(one, false), request(bad, i === good.length - 1)]);
    const answers = await exchange(url, Buffer.concat(pieces));
    expect(answers.map(({ status }) => status)).toEqual(good.flatMap(() => [200, 401]));
    expect(await stored()).toEqual([...before, ...good.map(({ id }) => id)].sort());
  });

  it.each([
    ['with a length that is announced', undefined],
    ['in chunks', 100],
  ])('forgets deliveries that break off at any point, sent %s', async (_, chunkBytes) => {
    const before = await stored();
    const bytes = request(delivery(host, 'x'.repeat(2_000)), true, chunkBytes);
    const { port, hostname } = new URL(url);
    const ended = Array.from({ length: 60 }, (_, i) => {
      const socket = net.connect(Number(port), hostname).on('error', () => undefined);
      const upTo = Math.floor((bytes.length * (i + 1)) / 61);
      // Half of them say so, the others are just gone.
      socket.write(bytes.subarray(0, upTo), () => (i % 2 ? socket.end() : socket.resetAndDestroy()));
      return new Promise((resolve) => socket.resume().on('close', resolve));
    });
    await Promise.all(ended);
    await expectNextAccepted(before);
  });

  it('does not wait for a body that trickles in', async () => {
    const before = await stored();
    const bytes = request(delivery(host), false);
    const { port, hostname } = new URL(url);
    const socket = net.connect(Number(port), hostname).on('error', () => undefined);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.write(bytes.subarray(0, -100));
    let next = bytes.length - 100;
    const trickle = setInterval(() => socket.write(bytes.subarray(next, ++next)), BODY_TIMEOUT_MS / 100);
    await ended;
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer).toMatch(/\r\n\r\n\{"error":"too-slow"\}$/);
    await expectNextAccepted(before);
  });

  it('says that it is too much to one who comes to no end, and ends the connection', async () => {
    const delivered = jest.spyOn(host.app.get(Telemetry, { strict: false }), 'delivered');
    const before = await stored();
    const { port, hostname } = new URL(url);
    const socket = net.connect(Number(port), hostname).on('error', () => undefined);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.write(
      'POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n' +
        'Content-Type: application/json\r\n\r\n',
    );
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 'x'), Buffer.from('\r\n')]);
    while (!socket.closed)
      if (!socket.write(chunk))
        await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), ended]);
    await ended;
    expect(delivered).toHaveBeenCalledWith('stripe', { status: 413, reason: 'too-large' });
    // A connection that is closed while there is more to read is reset, and the answer may be lost with it.
    expect(answer).toMatch(/^(HTTP\/1\.1 413 .*\r\nconnection: close\r\n.*\{"error":"too-large"\})?$/is);
    await expectNextAccepted(before);
  });

  it('takes other deliveries at once beside a thousand that hold back their last byte', async () => {
    const { port, hostname } = new URL(url);
    const before = await stored();
    const bytes = request(delivery(host), false).subarray(0, -1);
    let open = 0;
    const sockets = Array.from({ length: 1_000 }, () => {
      const socket = net.connect(Number(port), hostname).on('error', () => undefined);
      socket.resume().on('close', () => (open -= 1));
      socket.write(bytes, () => (open += 1));
      return socket;
    });
    await until(() => open > 0);
    await expectNextAccepted(before);
    // They are all sent away, with no help of theirs.
    await until(() => sockets.every((socket) => socket.destroyed));
    await expectNextAccepted(await stored());
  });

  it('refuses a body that is longer or shorter than was announced, and what follows it', async () => {
    const before = await stored();
    const { body, headers } = delivery(host);
    for (const change of [-1, -20, 1, 20]) {
      const bytes = bytesOf({
        target: '/webhooks/stripe',
        headers: [...Object.entries(headers), ['Connection', 'close']],
        body,
      });
      const wrong = bytes
        .toString('latin1')
        .replace(/Content-Length: \d+/, `Content-Length: ${body.length + change}`);
      const [answer] = await exchange(url, Buffer.from(wrong, 'latin1'));
      // Node itself may be faster in saying that what follows is no request.
      expect([change < 0 ? [400, 401] : [408], change]).toEqual([
        expect.arrayContaining([answer?.status]),
        change,
      ]);
    }
    for (const extra of ['Content-Length: 3', 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip']) {
      const all = [...Object.entries(headers), [extra.split(': ')[0]!, extra.split(': ')[1]!] as const];
      const [answer] = await exchange(url, bytesOf({ target: '/webhooks/stripe', headers: all, body }));
      expect([extra, answer?.status]).toEqual([extra, 400]);
    }
    await expectNextAccepted(before);
  });

  it('unpacks nothing: the signature is over what was sent', async () => {
    const before = await stored();
    const { body } = delivery(host);
    const packed = gzipSync(body);
    const post = (payload: Buffer, sent = payload) => {
      const { headers } = signedDelivery({ payload, secret: host.stripe.webhookSecret });
      return deliver(url, { body: sent, headers: { ...headers, 'content-encoding': 'gzip' } });
    };
    const answers = [await post(packed), await post(body, packed), await post(gzipSync('x'.repeat(50e6)))];
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual([
      [400, '{"error":"not UTF-8"}'],
      [401, '{"error":"wrong-signature"}'],
      [400, '{"error":"not UTF-8"}'],
    ]);
    await expectNextAccepted(before);
  });

  it('is the same door however its URL is written', async () => {
    const writings = {
      express: ['/WebHooks/stripe', '/webhooks/stripe/', '/webhooks/stripe#/a/b', 'http://a/webhooks/stripe'],
      fastify: ['/%77ebhooks/strip%65', '/webhooks/stripe#/a/b', 'http://a/webhooks/stripe'],
    };
    for (const target of writings[adapter]) {
      const { body, headers } = delivery(host, 'x'.repeat(200_000));
      const all = [...Object.entries(headers), ['Connection', 'close'] as const];
      const [answer] = await exchange(url, bytesOf({ target, headers: all, body }));
      expect([target, answer?.status]).toEqual([target, 200]);
      const [refused] = await exchange(url, bytesOf({ target, headers: all, body: Buffer.from('not JSON') }));
      expect([target, refused?.body]).toEqual([target, '{"error":"wrong-signature"}']);
    }
  });
});
