import net from 'node:net';
import { FakeStripe, signedDelivery, type SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { deliver } from '../support/deliver.js';
import { startHost, type Host } from '../support/host.js';
import { WAYS_IN } from '../support/ways-in.js';

const SECRETS = ['whsec_new', 'whsec_old'] as const;

const DAY_S = 86_400;

/** What comes in. `path`: after the URL of the webhooks. */
interface Input {
  signed: Omit<SignedDelivery, 'headers'> & { headers: Record<string, string> };
  path?: string;
  method?: string;
}

let made = 0;

function event(fields: object = {}) {
  made += 1;
  return {
    id: `evt_input_${made}`,
    object: 'event',
    type: 'customer.created',
    created: Math.floor(Date.now() / 1000),
    data: { object: { id: `cus_input_${made}`, object: 'customer' } },
    ...fields,
  };
}

function signed(payload: object | string | Buffer = event(), timestamp?: number): SignedDelivery {
  return signedDelivery({ payload, secret: SECRETS[0], timestamp });
}

function withHeader(header: string | undefined): Input {
  const { body, headers } = signed();
  const { 'stripe-signature': _, ...others } = headers;
  return {
    signed: { body, headers: header === undefined ? others : { ...others, 'stripe-signature': header } },
  };
}

/** Signed, and then changed on its way. */
function altered(change: (body: Buffer) => Buffer): Input {
  const { body, headers } = signed();
  return { signed: { body: change(body), headers } };
}

const now = () => Math.floor(Date.now() / 1000);
const depth = 200_000;

const refused: Record<string, [status: number, reason: string, input: () => Input]> = {
  altered: [401, 'wrong-signature', () => altered((body) => Buffer.from(`${body.toString()} `))],
  truncated: [401, 'wrong-signature', () => altered((body) => body.subarray(0, -1))],
  empty: [401, 'wrong-signature', () => altered(() => Buffer.alloc(0))],
  unsigned: [401, 'no-signature', () => withHeader(undefined)],
  'with an empty signature': [401, 'no-signature', () => withHeader('')],
  'with a signature that is none': [401, 'malformed-signature', () => withHeader('t=1,v1')],
  'signed with another secret': [
    401,
    'wrong-signature',
    () => ({ signed: signedDelivery({ payload: event(), secret: 'whsec_other' }) }),
  ],
  stale: [401, 'too-old', () => ({ signed: signed(event(), now() - 301) })],
  'of the future': [401, 'in-the-future', () => ({ signed: signed(event(), now() + 310) })],
  'not JSON': [400, 'not JSON', () => ({ signed: signed('{"id":') })],
  null: [400, 'not an event', () => ({ signed: signed('null') })],
  'a list': [400, 'not an event', () => ({ signed: signed('[]') })],
  'another object': [400, 'not an event', () => ({ signed: signed({ object: 'customer' }) })],
  'an event of no kind': [
    400,
    'an event without a type',
    () => ({ signed: signed(event({ type: undefined })) }),
  ],
  'an event about nothing': [
    400,
    'an event without data.object',
    () => ({ signed: signed(event({ data: null })) }),
  ],
  'not UTF-8': [400, 'not UTF-8', () => ({ signed: signed(Buffer.from([0x22, 0xff, 0xfe, 0x22])) })],
  'with a NUL byte': [400, 'not JSON', () => ({ signed: signed('{"id":"\0"}') })],
  'nested without an event': [
    400,
    'not an event',
    () => ({ signed: signed('['.repeat(depth) + ']'.repeat(depth)) }),
  ],
  'larger than a megabyte': [
    413,
    'too-large',
    () => ({ signed: signed(event({ padding: 'x'.repeat(2_000_000) })) }),
  ],
  'for a source that is not there': [404, 'unknown-source', () => ({ signed: signed(), path: 'strpe' })],
  'for a source with the name of a property': [
    404,
    'unknown-source',
    () => ({ signed: signed(), path: 'constructor' }),
  ],
  'for the prototype': [404, 'unknown-source', () => ({ signed: signed(), path: '__proto__' })],
  'for a connection that is not there': [
    404,
    'unknown-connection',
    () => ({ signed: signed(), path: 'stripe/acct_1' }),
  ],
};

const stored: Record<string, [reason: string | null, payload: () => object | string | Buffer]> = {
  'with a byte order mark': [null, () => `\uFEFF${JSON.stringify(event())}`],
  'deeply nested': [
    null,
    () => JSON.stringify(event()).replace('{', `{"deep":${'['.repeat(depth)}${']'.repeat(depth)},`),
  ],
  'with an id of 12 kB': ['unstorable', () => event({ id: `evt_${'x'.repeat(12_000)}` })],
  'with a NUL in its id': ['unstorable', () => event({ id: 'evt_\0' })],
  'with half a character in its id': ['unstorable', () => event({ id: 'evt_\uD83D' })],
  'with a type of 12 kB': ['unstorable', () => event({ type: 'x'.repeat(12_000) })],
  'with a date that there is not': [null, () => event({ created: 1e300 })],
  'of the year 255489': [null, () => event({ created: 8e12 })],
  'of the year 0': [null, () => event({ created: -62_135_596_801 })],
  'of the year -251541': [null, () => event({ created: -8e12 })],
  'with names of prototypes': [null, () => JSON.stringify(event()).replace('{', '{"__proto__":{"id":1},')],
};

describe.each(WAYS_IN)(
  'the door, on $adapter, $receive, takes no harm from a delivery that is',
  ({ adapter, receive }) => {
    let host: Host;
    let database: TestDatabase;
    let stripe: FakeStripe;
    beforeAll(async () => {
      database = await createDatabase();
      stripe = await FakeStripe.start({ webhookSecret: SECRETS });
      host = await startHost({ adapter, webhooks: { receive }, beside: { database, stripe } as Host });
    });
    afterAll(async () => {
      await host.app.close();
      await stripe.close();
      await database.drop();
    });

    async function count(): Promise<number> {
      return (await host.sql<{ n: number }>('SELECT count(*)::int AS n FROM sync_event'))[0]!.n;
    }

    const post = ({ signed, path = 'stripe', method }: Input) =>
      deliver(`${host.url}/webhooks/${path}`, signed, { method });

    /** Whatever has come before: the next good one is taken. */
    async function expectNextAccepted(): Promise<void> {
      const before = await count();
      expect((await post({ signed: signed() })).status).toBe(200);
      expect(await count()).toBe(before + 1);
    }

    it.each(Object.entries(refused))('%s', async (_, [status, reason, input]) => {
      const before = await count();
      const answer = await post(input());
      expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { error: reason }]);
      expect(await count()).toBe(before);
      await expectNextAccepted();
    });

    it.each(Object.entries(stored))('%s: it is stored', async (_, [reason, payload]) => {
      const delivery = signed(payload());
      for (const time of [1, 2])
        expect([time, (await post({ signed: delivery })).status]).toEqual([time, 200]);
      await host.sync.idle();
      const [row] = await host.sql<{ state: string; reason: string; payload: string }>(
        'SELECT state, reason, payload FROM sync_event ORDER BY id DESC LIMIT 1',
      );
      if (reason === null) expect(row).toMatchObject({ state: 'skipped', reason: 'no-handler' });
      else {
        expect(row).toMatchObject({ state: 'dead', reason });
        expect(Buffer.from(row!.payload, 'base64').equals(delivery.body)).toBe(true);
      }
      await expectNextAccepted();
    });

    it.each(['GET', 'PUT', 'DELETE'])('fetched by %s', async (method) => {
      expect((await post({ signed: signed(), method })).status).toBe(404);
      await expectNextAccepted();
    });

    it('for a URL that cannot be decoded', async () => {
      const answer = await post({ signed: signed(), path: '%E0%A4%A' });
      expect(answer.status).toBeLessThan(500);
      expect(answer.body).not.toMatch(/node_modules|\bat /);
      await expectNextAccepted();
    });

    it('never brought to its end', async () => {
      const before = await count();
      const { port, hostname } = new URL(host.url);
      const socket = net.connect(Number(port), hostname);
      const { body, headers } = signed();
      const head = Object.entries({ ...headers, host: 'localhost', 'content-length': body.length + 1 });
      socket.write(
        `POST /webhooks/stripe HTTP/1.1\r\n${head.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`,
      );
      await new Promise((resolve) => socket.write(body, resolve));
      socket.destroy();
      await expectNextAccepted();
      expect(await count()).toBe(before + 1);
    });

    it('far too large to be read to its end', async () => {
      const before = await count();
      const answer = await post({ signed: signed(Buffer.alloc(30_000_000)) }).catch(() => null);
      expect([413, undefined]).toContain(answer?.status);
      await expectNextAccepted();
      expect(await count()).toBe(before + 1);
    });

    it.each([[[SECRETS[0]]], [[SECRETS[1]]], [SECRETS]])(
      'not bad at all, signed with %j while secrets are rolled',
      async (secret) => {
        const before = await count();
        const delivery = signedDelivery({ payload: event(), secret });
        expect((await post({ signed: delivery })).status).toBe(200);
        // Its redelivery may be signed anew.
        const again = signedDelivery({ payload: delivery.body, secret: SECRETS });
        expect((await post({ signed: again })).status).toBe(200);
        expect(await count()).toBe(before + 1);
      },
    );

    it('not of our days, but freshly signed: a redelivery', async () => {
      expect((await post({ signed: signed(event({ created: now() - 20 * DAY_S })) })).status).toBe(200);
    });
  },
);
