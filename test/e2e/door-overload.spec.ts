import http from 'node:http';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { InboxService } from '../../lib/inbox/inbox.service.js';
import { deliver, type Received } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn } from '../support/only-on.js';
import { quick } from '../support/scenario.js';
import { lockTable } from '../support/sessions.js';

/** How it stands with the inbox. */
interface Queue {
  flushing: boolean;
  queuedRows: number;
}

describe('more deliveries than can be stored', () => {
  let host: Host;
  let locked: Awaited<ReturnType<typeof lockTable>> | undefined;
  afterEach(async () => {
    await locked?.release();
    locked = undefined;
    await host.close();
  });

  /** Whose table is locked until the test lets go of it. */
  async function start(sync: object): Promise<void> {
    host = await startHost({ ...quick, role: 'ingest', sync: { ...sync, acceptTimeoutMs: 30_000 } });
    locked = await lockTable(host, 'sync_event');
  }

  const url = () => `${host.url}/webhooks/stripe`;

  function send(n: number): Promise<Received> {
    const data = { object: { id: `cus_${n}`, object: 'customer' } };
    const payload = { id: `evt_${n}`, object: 'event', type: 'customer.updated', data };
    return deliver(url(), signedDelivery({ payload, secret: host.stripe.webhookSecret }));
  }

  async function sendAndQueue(count: number): Promise<Promise<Received>[]> {
    const first = send(0);
    const inbox = host.app.get<InboxService, Queue>(InboxService, { strict: false });
    await until(() => inbox.flushing);
    const others = Array.from({ length: count }, (_, n) => send(n + 1));
    await until(() => inbox.queuedRows === count);
    return [first, ...others];
  }

  async function release(): Promise<void> {
    await locked!.release();
    locked = undefined;
  }

  it('are refused before their bodies have come, until there is room again', async () => {
    await start({ inboxQueueLimit: 3 });
    const waiting = await sendAndQueue(3);
    const refusal = await headOf(url());
    expect(refusal.statusCode).toBe(503);
    expect(Number(refusal.headers['retry-after'])).toBeGreaterThan(0);

    await release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await send(9)).status).toBe(200);
  });

  itOn('postgres', 'elsewhere no row says which transaction has stored it')(
    'are stored all together as soon as they can be',
    async () => {
      await start({});
      const waiting = await sendAndQueue(300);
      await release();
      expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([200]));
      const [row] = await host.sql('SELECT count(DISTINCT xmin::text)::int AS n FROM sync_event');
      expect(row).toEqual({ n: 2 });
    },
  );
});

/** What is answered to a delivery of which only the head has been sent. */
function headOf(url: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': 1_000, 'content-type': 'application/json' };
    const request = http.request(url, { method: 'POST', headers }, (response) => {
      resolve(response);
      request.destroy();
    });
    request.on('error', reject).flushHeaders();
  });
}
