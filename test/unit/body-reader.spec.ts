import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BodyReader } from '../../lib/ingest/webhook/body.reader.js';
import { GrowingBuffer } from '../../lib/ingest/webhook/growing-buffer.js';
import { until } from '../support/host.js';

const MB = 1_048_576;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in memory and needed. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A server that does nothing but read bodies, and what it has read. */
async function startReading(bodyTimeoutMs: number) {
  const reader = new BodyReader({ bodyLimitBytes: MB, bodyTimeoutMs });
  const outcomes: (string | Buffer)[] = [];
  let received = 0;
  const server = http.createServer((request, response) => {
    request.on('data', (piece: Buffer) => (received += piece.length));
    void reader.read(request, {}).then((outcome) => {
      outcomes.push(outcome);
      response.end('read');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: net.Socket[] = [];
  return {
    outcomes,
    received: () => received,
    /** Resolves when the bytes are on their way. */
    async send(headers: string, body: Buffer): Promise<net.Socket> {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket.resume());
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`);
      await new Promise((resolve) => socket.write(body, resolve));
      return socket;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('bodies on their way', () => {
  let reading: Awaited<ReturnType<typeof startReading>>;
  afterEach(() => reading.close());

  it('take what they are long, sent byte by byte too', async () => {
    reading = await startReading(60_000);
    const before = heldBytes();
    const pieces = 400_000;
    const sender = await reading.send('Transfer-Encoding: chunked', Buffer.from('1\r\nx\r\n'.repeat(pieces)));
    await until(() => reading.received() === pieces);
    // As objects, the pieces would take 200 MB.
    expect(heldBytes() - before).toBeLessThan(20 * MB);
    sender.write('0\r\n\r\n');
    await until(() => reading.outcomes.length > 0);
    expect((reading.outcomes[0] as Buffer).equals(Buffer.alloc(pieces, 'x'))).toBe(true);
  });

  it('must be here in time', async () => {
    reading = await startReading(100);
    await reading.send('Content-Length: 10', Buffer.from('only five'.slice(0, 5)));
    await until(() => reading.outcomes.length > 0);
    expect(reading.outcomes).toEqual(['too-slow']);
  });

  it('are too large that are announced to be, though they do not come', async () => {
    reading = await startReading(100);
    await reading.send(`Content-Length: ${100 * MB}`, Buffer.from('begin'));
    await until(() => reading.outcomes.length > 0);
    expect(reading.outcomes).toEqual(['too-large']);
  });

  it('have a memory in common: what has been on its way for longest makes room, and the others come in', async () => {
    reading = await startReading(60_000);
    const allButOneByte = Buffer.alloc(MB - 1);
    for (let i = 0; i < 80; i++) await reading.send(`Content-Length: ${MB}`, allButOneByte);
    const small = await reading.send('Content-Length: 5', Buffer.from('small'));
    await until(() => reading.outcomes.some(Buffer.isBuffer) && reading.outcomes.length >= 17);
    expect(reading.outcomes.filter((outcome) => outcome === 'too-slow').length).toBeGreaterThanOrEqual(16);
    expect(reading.outcomes.filter(Buffer.isBuffer).map(String)).toEqual(['small']);
    small.destroy();
  });

  it('that their senders give up take nothing any more', async () => {
    reading = await startReading(60_000);
    for (let round = 1; round <= 3; round++) {
      const sockets = [];
      for (let i = 0; i < 40; i++)
        sockets.push(await reading.send(`Content-Length: ${MB}`, Buffer.alloc(MB - 1)));
      for (const socket of sockets) socket.destroy();
      await until(() => reading.outcomes.length === 40 * round);
    }
    expect(new Set(reading.outcomes)).toEqual(new Set(['gone']));
  });
});

it('a growing buffer has the bytes of its pieces, and says how much it takes', () => {
  const buffer = new GrowingBuffer(100_000);
  const pieces = [1, 5_000, 70_000, 3, 0, 1].map((length, i) => Buffer.alloc(length, i));
  let taken = 0;
  for (const piece of pieces) taken += buffer.add(piece);
  expect(buffer.bytes.equals(Buffer.concat(pieces))).toBe(true);
  expect(buffer.capacity).toBe(taken);
  expect(taken).toBeLessThanOrEqual(100_000);
  buffer.clear();
  expect([buffer.capacity, buffer.bytes.length]).toEqual([0, 0]);
});
