import http from 'node:http';
import { FakeStripe, signedDelivery } from 'nestjs-hybrid-sync/testing';
import { compileChildProgram, type ChildApp, type ChildProgram } from '../support/child-app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { deliver } from '../support/deliver.js';
import { proxyTo, type TcpProxy } from '../support/tcp-proxy.js';
import { WAYS_IN } from '../support/ways-in.js';

const ROUND = 1_000;
const ROUNDS = 3;

/** Nothing but deliveries makes this process speak to its database. */
const quiet = { sweepEveryMs: 2 ** 30, leaseMs: 2 ** 30 };

/** What the heap may differ by from round to round: a lazy table here, a compiled function there. */
const SLACK_BYTES = 400_000;

describe.each(WAYS_IN)('a flood of forged deliveries, on $adapter, $receive', ({ adapter, receive }) => {
  let program: ChildProgram;
  let database: TestDatabase;
  let network: TcpProxy;
  let stripe: FakeStripe;
  let child: ChildApp;
  let agent: http.Agent;

  beforeAll(async () => {
    program = compileChildProgram();
    database = await createDatabase();
    network = await proxyTo(database);
    stripe = await FakeStripe.start();
    child = await program.start({
      database: network.database,
      stripe,
      adapter,
      webhooks: { receive },
      handlers: false,
      sync: quiet,
    });
    agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  });
  afterAll(async () => {
    agent.destroy();
    await program?.close();
    await network.close();
    await stripe.close();
    await database.drop();
  });

  const event = (n: string) => ({
    id: `evt_flood_${n}`,
    object: 'event',
    type: `customer.${n}`,
    account: `acct_${n}`,
    created: 1_763_900_000,
    data: { object: { id: `cus_${n}`, object: 'customer', padding: 'x'.repeat(2_500) } },
  });
  const good = (n: string) => signedDelivery({ payload: event(n), secret: stripe.webhookSecret });

  /** One of each kind, no two alike. */
  function forged(n: number): { body: Buffer; headers: http.OutgoingHttpHeaders; path: string } {
    const { body, headers } = signedDelivery({ payload: event(String(n)), secret: 'whsec_other' });
    const kinds = [
      { headers, path: '' },
      { headers: { 'content-type': 'application/json' }, path: '' },
      { headers: { ...headers, 'stripe-signature': `t=${n},v1=${n}` }, path: '' },
      { headers: { ...headers, 'stripe-signature': ','.repeat(n % 8_000) }, path: '' },
      { headers, path: `/acct_${n}` },
      { headers, path: `_${n}` },
      { headers: { ...headers, [`x-header-${n}`]: String(n) }, path: `?n=${n}` },
    ];
    return { body, ...kinds[n % kinds.length]! };
  }

  let sent = 0;

  async function flood(count: number): Promise<void> {
    const statuses = await Promise.all(
      Array.from({ length: count }, async () => {
        sent += 1;
        const { path, ...delivery } = forged(sent);
        return (await deliver(`${child.webhookUrl}${path}`, delivery, { agent })).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([401, 404]));
  }

  it('says not a word to the database, and opens no connection', async () => {
    // What good ones before it have set going comes to its end meanwhile.
    await flood(ROUND);
    const [before, opened] = [network.sent(), network.opened()];
    await flood(ROUND);
    expect([network.sent() - before, network.opened()]).toEqual([0, opened]);
    // What is counted here is what a good one says.
    expect((await deliver(child.webhookUrl, good('after'))).status).toBe(200);
    expect(network.sent()).toBeGreaterThan(before);
  });

  it('leaves nothing behind in the process', async () => {
    await flood(ROUND);
    const { heapBytes, resources } = await child.health();
    const heaps: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await flood(ROUND);
      heaps.push((await child.health()).heapBytes);
    }
    // What is kept of each would add up; what is not, comes and goes.
    expect(Math.min(...heaps.slice(-2)) - heapBytes).toBeLessThan(SLACK_BYTES);
    const after = await child.health();
    // Fewer, where a pool has closed a connection that it did not need.
    for (const [kind, n] of Object.entries(after.resources))
      expect([kind, n <= (resources[kind] ?? 0)]).toEqual([kind, true]);
    expect(after.warnings).toEqual([]);
  });
});
