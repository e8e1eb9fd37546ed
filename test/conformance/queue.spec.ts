import { Injectable, Module } from '@nestjs/common';
import { BullModule } from '@nestjs/bull';
import { Test } from '@nestjs/testing';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { bull } from 'nestjs-hybrid-sync/bull';
import { QueueTransport } from '../../lib/dispatch/queue/queue-transport.js';
import { Telemetry } from '../../lib/observe/telemetry.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { connectToRedis, queueOf, redisUrl, RedisLine, type QueueLibrary } from '../support/redis.js';
import { effects, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*')
  event(event: SyncEvent, { manager }: SyncContext) {
    return write(manager, 'event', event.id);
  }
}

/** Rings only: no sweep comes in the time of a test. */
const rung: HostOptions = { ...quick, providers: [Crm], sync: { sweepEveryMs: 1_000_000_000 } };
/** What the bell has lost, a sweep finds. */
const swept: HostOptions = { ...quick, providers: [Crm], sync: { sweepEveryMs: 50 } };

describe.each<QueueLibrary>(['bull', 'bullmq'])('a queue of %s', (library) => {
  let ingest: Host;
  let line: RedisLine | undefined;
  const others: Host[] = [];
  let queue: HostOptions['queue'];
  let name: string;

  beforeEach(() => {
    name = `q_${Math.trunc(performance.now() * 1_000)}_${process.pid}`;
    queue = queueOf(library, name);
  });
  afterEach(async () => {
    await line?.mend().catch(() => undefined);
    line?.speak();
    for (const other of others.splice(0)) await other.close();
    await ingest.close();
    await line?.cut();
    line = undefined;
  });

  async function start(options: HostOptions): Promise<void> {
    ingest = await connected(await startHost({ queue, ...options, role: options.role ?? 'ingest' }));
  }

  async function besides(options: HostOptions): Promise<Host> {
    const other = await startHost({ queue, role: 'worker', ...options, beside: ingest });
    others.push(other);
    return connected(other);
  }

  /** What comes before that is found by a sweep, and here none comes. */
  async function connected(host: Host): Promise<Host> {
    const transport = host.app.get(QueueTransport, { strict: false });
    if (!line) await until(() => transport.redis?.status === 'ready');
    return host;
  }

  const customer = (id: string) => ingest.stripe.create('customer', { id }, { delivery: 'lost' });
  const sendMany = (count: number, prefix = 'cus') =>
    Promise.all(Array.from({ length: count }, (_, i) => send(ingest, customer(`${prefix}_${i}`))));
  const handled = async (ids: string[]) => {
    await settled(ingest);
    expect((await effects(ingest)).sort()).toEqual(ids.map((id) => `event ${id}`).sort());
  };

  it('carries what an ingest process stores to workers, with no sweep between, and shares it among them', async () => {
    await start(rung);
    const passes = [0, 0];
    for (const i of [0, 1]) {
      const worker = await besides(rung);
      worker.app.get(Telemetry, { strict: false }).onPass(() => (passes[i]! += 1));
    }
    const ids: string[] = [];
    // One after the other: each is a job of its own.
    for (let i = 0; i < 30; i += 1) ids.push(...(await sendMany(1, `cus_${i}`)));
    await handled(ids);
    expect(Math.min(...passes)).toBeGreaterThan(0);
  });

  it('carries keys only, and keeps no job', async () => {
    await start(rung);
    const object = ingest.stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'lost' });
    const ids = [await send(ingest, object)];
    const redis = connectToRedis();
    const values = async () => {
      const keys = await redis.keys(`*${name}*`);
      const all = await Promise.all(
        keys.map(async (key) => ((await redis.type(key)) === 'hash' ? redis.hgetall(key) : {})),
      );
      return JSON.stringify(all);
    };
    await until(async () => (await values()).includes('customer'));
    expect(await values()).not.toContain('ada@example.com');
    await besides(rung);
    await handled(ids);
    await until(async () => !(await values()).includes('customer'));
    redis.disconnect();
  });

  it('may be flushed: what it has lost is found', async () => {
    await start(swept);
    const ids = await sendMany(20);
    const redis = connectToRedis();
    await redis.flushdb();
    await besides(swept);
    await handled(ids);
    // And goes on, whatever the library had kept there.
    await redis.flushdb();
    redis.disconnect();
    await handled([...ids, ...(await sendMany(20, 'later'))]);
  });

  it('may be away: deliveries are stored, each worker goes by itself, and work comes through it again', async () => {
    line = await RedisLine.open();
    queue = queueOf(library, name, line.url);
    await start({ ...swept, role: 'all' });
    const ids = await sendMany(5);
    await handled(ids);
    await line.cut();
    // No sweep is waited for: who has stored it knows of it.
    ids.push(...(await sendMany(20, 'away')));
    await handled(ids);
    await line.mend();
    const redis = connectToRedis();
    const added = () => redis.get(`bull:${name}:id`).then(Number);
    const before = await added();
    await until(async () => {
      ids.push(...(await sendMany(1, `back_${ids.length}`)));
      return (await added()) > before;
    });
    redis.disconnect();
    await handled(ids);
  });

  it('may be away when processes start and when they end', async () => {
    line = await RedisLine.open();
    queue = queueOf(library, name, line.url);
    await line.cut();
    await start({ ...swept, role: 'all' });
    const other = await besides({ ...swept, role: 'ingest' });
    const ids = [...(await sendMany(5)), await send(other, customer('cus_other'))];
    await handled(ids);
    others.splice(0);
    await other.close();
  });

  it('may hang: nobody waits for it, and what it answers late is done once', async () => {
    line = await RedisLine.open();
    queue = queueOf(library, name, line.url);
    await start({ ...swept, role: 'all' });
    const ids = await sendMany(5);
    await handled(ids);
    line.hush();
    ids.push(...(await sendMany(20, 'quiet')));
    await handled(ids);
    line.speak();
    ids.push(...(await sendMany(20, 'loud')));
    await handled(ids);
  });

  it('may hang when processes end: they do', async () => {
    line = await RedisLine.open();
    queue = queueOf(library, name, line.url);
    await start({ ...swept, role: 'ingest' });
    const worker = await besides(swept);
    await handled(await sendMany(5));
    line.hush();
    others.splice(0);
    await worker.close();
  });

  it('may refuse a process: that is told, and the process works by itself', async () => {
    const redis = connectToRedis();
    await redis.call('ACL', 'SETUSER', name, 'reset', 'on', '>right', '~*', '&*', '+@all');
    line = await RedisLine.open();
    queue = queueOf(library, name, line.url.replace('//', `//${name}:wrong@`));
    await start({ ...swept, role: 'all' });
    await besides(swept);
    await handled(await sendMany(10));
    await redis.call('ACL', 'DELUSER', name);
    redis.disconnect();
  });

  it('makes the budget of all processes one', async () => {
    const source = { ...quick.source, callsPerSecond: 8, sourceCallsPerSecond: 8 };
    await start({ ...swept, source, role: 'all' });
    await besides({ ...swept, source });
    await besides({ ...swept, source });
    const ids = await sendMany(40);
    await handled(ids);
    const times = ingest.stripe.requests.all().map(({ at }) => at.getTime());
    // A window of the limiter may have ended in it: twice a second's tokens at most.
    const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 900).length));
    expect(times.length).toBeGreaterThanOrEqual(40);
    expect(most).toBeLessThanOrEqual(16);
  });

  it('is no place for jobs of others', async () => {
    await start(rung);
    await besides(rung);
    const redis = connectToRedis();
    const jobs = await import('bullmq');
    if (library === 'bullmq') {
      const stranger = new jobs.Queue(name, { connection: { url: redisUrl() } });
      await stranger.add('due', { records: [{ key: 5 }] });
      await stranger.close();
    } else {
      const { default: Bull } = await import('bull');
      const stranger = new Bull(name, redisUrl());
      await stranger.add('due', { records: 'none' });
      await stranger.close();
    }
    await handled(await sendMany(3));
    redis.disconnect();
  });
});

describe("the host's configuration of Bull", () => {
  let host: Host | undefined;
  afterEach(async () => {
    await host?.close();
    host = undefined;
  });

  it('is taken where bull() says nothing', async () => {
    @Module({ imports: [BullModule.forRoot({ redis: redisUrl() })] })
    class Queues {}
    host = await startHost({ ...rung, imports: [Queues], queue: bull({ name: `host_${process.pid}` }) });
    const id = await send(host, host.stripe.create('customer', {}, { delivery: 'lost' }));
    await settled(host);
    expect(await effects(host)).toEqual([`event ${id}`]);
  });

  it.each([
    [{}, 'SYNC_MISSING_REDIS'],
    [{ redis: '' }, 'SYNC_INVALID_OPTION'],
    [{ redis: 6379 }, 'SYNC_INVALID_OPTION'],
    [{ redis: 'localhost:6379' }, 'SYNC_INVALID_OPTION'],
    [{ redis: 'http://localhost:6379' }, 'SYNC_INVALID_OPTION'],
    [{ redis: 'redis://localhost:6379/first' }, 'SYNC_INVALID_OPTION'],
    [{ redis: redisUrl(), name: 'a:b' }, 'SYNC_INVALID_OPTION'],
    [{ url: 'redis://localhost' }, 'SYNC_INVALID_OPTION'],
    [{ useFactory: () => ({ redis: undefined }) }, 'SYNC_MISSING_REDIS'],
    [{ useFactory: () => 'redis://localhost' }, 'SYNC_INVALID_OPTION'],
  ])('and bull(%j) without it fails the boot', async (options, code) => {
    const queue = bull(options as Parameters<typeof bull>[0]);
    // As the boot would: this is what the module imports.
    const boot = async () => Test.createTestingModule({ imports: [await queue.module()] }).compile();
    await expect(boot()).rejects.toMatchObject({ code });
  });
});
