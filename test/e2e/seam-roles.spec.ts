import { Injectable } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { OnSyncEvent, SyncContext, SyncEvent, type SyncRole } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { SweepScheduler } from '../../lib/dispatch/sweep.scheduler.js';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { Effect, effects, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*')
  event(event: SyncEvent, { manager }: SyncContext) {
    return write(manager, 'Billing', event.id);
  }
}

const working: HostOptions = { ...quick, role: 'worker', providers: [Billing] };

describe('the role of a process', () => {
  let ingest: Host;
  const others: Host[] = [];
  /** Another process of the application. */
  async function besides(options: HostOptions): Promise<Host> {
    const host = await startHost({ ...options, beside: ingest });
    others.push(host);
    return host;
  }

  /** Has no handlers at all: a pass of its own would find nobody to give events to. */
  beforeEach(async () => {
    ingest = await startHost({ ...quick, role: 'ingest' });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await ingest.close();
  });

  const rows = () => ingest.sql('SELECT event_id, state, reason FROM sync_event ORDER BY id');

  async function statusOf(host: Host): Promise<number> {
    const object = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    const payload = { id: `evt_${object.id}`, object: 'event', type: 'customer.created', data: { object } };
    const secret = host.stripe.webhookSecret;
    return (await deliver(`${host.url}/webhooks/stripe`, signedDelivery({ payload, secret }))).status;
  }

  it('ingest: deliveries are stored, nothing is settled, and a worker finds them by its sweep', async () => {
    expect(await statusOf(ingest)).toBe(200);
    // Nothing looks for it here, not even when asked to.
    await ingest.sync.replay({ eventId: 'evt_of_nobody' });
    const [stored] = await rows();
    expect(stored).toMatchObject({ state: 'waiting', reason: null });

    await besides(working);
    await ingest.sync.idle();
    expect(await effects(ingest)).toEqual([`Billing ${stored!.event_id}`]);
    expect(await rows()).toEqual([{ ...stored, state: 'completed' }]);
  });

  it('worker: has no webhook controller, and takes what comes later too', async () => {
    const worker = await besides(working);
    expect(await statusOf(worker)).toBe(404);
    expect(await statusOf(ingest)).toBe(200);
    await settled(ingest);
    expect(await effects(ingest)).toHaveLength(1);
  });

  it('none: neither, and SyncService can be called', async () => {
    const script = await besides({ ...quick, role: 'none', providers: [Billing] });
    expect(await statusOf(script)).toBe(404);
    const id = await send(script, script.stripe.create('customer', {}, { delivery: 'lost' }));
    expect(await rows()).toEqual([{ event_id: id, state: 'waiting', reason: null }]);
    expect(await script.sync.explain(id)).toMatch(/customer.*waiting/s);

    await besides(working);
    await script.sync.idle();
    expect(await effects(ingest)).toEqual([`Billing ${id}`]);
    expect(await script.sync.replay({ eventId: id }, { handlers: 'all' })).toEqual({ replayed: 1 });
    await script.sync.idle();
    expect(await effects(ingest)).toEqual([`Billing ${id}`, `Billing ${id}`]);
  });

  it('has no timers where no pass runs', async () => {
    const timersOf = ({ app }: Host) => {
      const scheduler = app.get(SweepScheduler, { strict: false });
      return (scheduler as unknown as { registry: SchedulerRegistry }).registry.getIntervals();
    };
    expect(timersOf(ingest)).toEqual([]);
    expect(timersOf(await besides({ ...quick, role: 'none' }))).toEqual([]);
    expect(timersOf(await besides(working))).toEqual([
      'sweep',
      'renew-leases',
      'stuck',
      'held-back',
      'unhandled',
      'prune',
      'runs',
    ]);
  });

  it('decides which key and secret it needs, and how large a pool', async () => {
    const noKey = () => stripe({ apiKey: undefined!, webhookSecrets: ingest.stripe.webhookSecrets });
    const noSecret = () =>
      stripe({ apiKey: ingest.stripe.apiKey, webhookSecrets: [undefined!], ...ingest.stripe.connection });

    const { start } = quick.source;
    const second = await besides({ role: 'ingest', source: { start, ...noKey() }, poolSize: 1 });
    expect(await statusOf(second)).toBe(200);
    await besides({ ...working, source: { ...quick.source, ...noSecret() } });
    await until(async () => (await ingest.count(Effect)) === 1);

    await besides({ role: 'none', source: stripe({ apiKey: '', webhookSecrets: [] }) });
    await expect(besides({ role: 'ingest', source: noSecret() })).rejects.toMatchObject({
      code: 'SYNC_MISSING_SECRET',
    });
    await expect(besides({ role: 'worker', source: noKey() })).rejects.toMatchObject({
      code: 'SYNC_MISSING_API_KEY',
    });
  });

  it.each<[SyncRole, string]>([
    ['ingest', 'role ingest; listening on POST /api/webhooks/:source; handlers run in other processes'],
    ['worker', 'role worker; stripe: customer.* → Billing.event'],
    ['none', 'role none; handlers run in other processes'],
  ])('is told at boot (%s)', async (role, line) => {
    const lines: string[] = [];
    const log = (message: string, context: string) => context === 'Sync' && lines.push(message);
    const configure: HostOptions['configure'] = (app) => {
      app.setGlobalPrefix('/api/').useLogger({ log, error: log, warn: log });
    };
    await besides({ ...working, role, configure });
    expect(lines).toEqual([line]);
  });
});
