import http from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { Client } from 'pg';
import { OnSyncChange, SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { dispatcherOf, Effect, effects, quick, settled, write } from '../support/scenario.js';

@Injectable()
class Slow {
  begun: string[] = [];
  aborted = false;
  private open: (() => void)[] = [];

  @OnSyncChange('stripe', 'customer')
  async changed(change: SyncChange, { manager, signal }: SyncContext) {
    this.begun.push(change.record.id);
    signal.addEventListener('abort', () => (this.aborted = true));
    await new Promise<void>((resolve) => this.open.push(resolve));
    await write(manager, 'slow', change.record.id);
  }

  release() {
    this.open.splice(0).forEach((open) => open());
  }
}

describe('shutdown', () => {
  let host: Host;
  let next: Host | undefined;
  afterEach(async () => {
    await next?.close();
    await host.close();
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'lets running handlers finish, begins no more, and leaves the rest to another process',
    async () => {
      host = await startHost({ ...quick, providers: [Slow], sync: { ...quick.sync, maxTransactions: 2 } });
      const slow = host.app.get(Slow);
      const ids = Array.from({ length: 6 }, () => host.stripe.create('customer').id);
      await host.stripe.flush();
      await until(() => slow.begun.length === 2);

      // Beside it another process, so that the database stays when the first one goes.
      const closing = (async () => {
        next = await startHost({ ...quick, beside: host, providers: [Finisher] });
        const closed = host.app.close();
        slow.release();
        await closed;
      })();
      await closing;
      expect(slow.begun).toHaveLength(2);
      expect(slow.aborted).toBe(false);

      await next!.sync.idle();
      const rows = await next!.dataSource.getRepository(Effect).find();
      expect(rows.map(({ subject }) => subject).sort()).toEqual([...ids].sort());
      expect(rows.filter(({ handler }) => handler === 'slow')).toHaveLength(2);
    },
  );

  itOn('postgres', 'a lock of its is what holds them up')(
    'lets a claim and a sweep that are under way come to their end, without a word',
    async () => {
      host = await startHost({ ...quick, providers: [Slow] });
      const errors: string[] = [];
      const silent = () => undefined;
      const error = (message: unknown) => errors.push(String(message));
      Logger.overrideLogger({ log: silent, warn: silent, error });
      const client = new Client({ connectionString: host.database.url });
      await client.connect();
      try {
        // Claims and sweeps wait for this lock, in the midst of what they do.
        await client.query('BEGIN; LOCK TABLE sync_record IN ACCESS EXCLUSIVE MODE');
        host.stripe.create('customer');
        await host.stripe.flush();
        await until(async () => (await host.sql(waiting)).length > 0);
        const dispatcher = dispatcherOf(host) as unknown as { active: boolean };
        const closed = host.app.close();
        await until(() => !dispatcher.active);
        await client.query('COMMIT');
        await closed;
        expect(errors).toEqual([]);
        const { rows } = await client.query('SELECT lease_token, starts FROM sync_record');
        expect(rows.filter((row) => row.lease_token !== null || row.starts > 0)).toEqual([]);
        const events = await client.query('SELECT state FROM sync_event');
        expect(events.rows).toEqual([{ state: 'waiting' }]);
      } finally {
        Logger.overrideLogger(false);
        await client.end();
      }
    },
  );

  itOn(SERVERS, NOBODY_ELSE_WRITES)('lets go of a run with the page that it is at', async () => {
    const slow = { providers: [Slow], sync: { ...quick.sync, leaseMs: 3_600_000 } };
    host = await startHost({ ...quick, ...slow });
    host.stripe.create('customer', {}, { delivery: 'unlogged' });
    const page = host.stripe.hold({ path: '/v1/customers' });
    await host.sync.backfill({ source: 'stripe' });
    await page.reached;
    next = await startHost({ ...quick, ...slow, beside: host, role: 'none' });
    const closed = host.app.close();
    page.release();
    await closed;
    const rows = await next.sql('SELECT state, lease_token FROM sync_run');
    expect(rows).toEqual([{ state: 'running', lease_token: null }]);
  });

  /** One of them is always in the midst of a delivery. */
  const SENDERS = 8;

  it.each(['express', 'fastify'] as const)(
    'does not wait for senders who never rest, and takes each of their deliveries (%s)',
    async (adapter) => {
      host = await startHost({ ...quick, adapter, role: 'ingest' });
      next = await startHost({ ...quick, beside: host, role: 'none' });
      const agent = new http.Agent({ keepAlive: true, maxSockets: SENDERS });
      const secret = host.stripe.webhookSecret;
      const data = { object: { id: 'cus_1', object: 'customer' } };
      const statuses: number[] = [];
      let sent = 0;
      const sendOn = async (): Promise<void> => {
        for (;;) {
          const payload = { id: `evt_${sent++}`, object: 'event', type: 'customer.updated', data };
          const delivery = signedDelivery({ payload, secret });
          const { status, body } = await deliver(`${host.url}/webhooks/stripe`, delivery, { agent });
          // What Fastify says by itself on a connection that was opened as it closed.
          if (adapter === 'fastify' && body.includes('"Service Unavailable"')) return;
          statuses.push(status);
        }
      };
      const ends = Promise.allSettled(Array.from({ length: SENDERS }, sendOn));
      await until(() => statuses.length > SENDERS);
      await host.app.close();
      // Nobody listens any more, or has heard what came by the connection that was opened last.
      for (const end of await ends)
        if (end.status === 'rejected')
          expect(end.reason).toMatchObject({ code: expect.stringMatching(/^ECONN(REFUSED|RESET)$/) });
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(await next.sql('SELECT FROM sync_event')).toHaveLength(statuses.length);
    },
  );

  it('waits no longer than drainMs, after which the signal tells the handler', async () => {
    host = await startHost({
      ...quick,
      providers: [Slow],
      sync: { ...quick.sync, drainMs: 50, leaseMs: 500 },
    });
    const slow = host.app.get(Slow);
    host.stripe.create('customer');
    await until(() => slow.begun.length === 1);
    await host.app.close();
    expect(slow.aborted).toBe(true);
    next = await startHost({ ...quick, beside: host, providers: [Finisher] });
    slow.release();
    await settled(next);
    expect(await effects(next)).toEqual([expect.stringContaining('finisher')]);
  });
});

/** Whose statements wait for a lock. */
const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

@Injectable()
class Finisher {
  @OnSyncChange('stripe', 'customer', { name: 'Slow.changed' })
  async changed(change: SyncChange, { manager }: SyncContext) {
    await write(manager, 'finisher', change.record.id);
  }
}
