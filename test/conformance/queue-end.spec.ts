import { Injectable, Logger } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { dueRecordOf } from '../../lib/dispatch/dispatcher.js';
import { QueueTransport } from '../../lib/dispatch/queue/queue-transport.js';
import { recordKeyOf } from '../../lib/model/keys.js';
import { startHost, until, type Host } from '../support/host.js';
import { connectToRedis, queueOf, RedisLine, type QueueLibrary } from '../support/redis.js';
import { dispatcherOf, effects, Gate, quick, send, settled, write } from '../support/scenario.js';

const gates: Gate[] = [];

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*')
  async event(event: SyncEvent, { manager }: SyncContext) {
    await gates.shift()?.pass();
    await write(manager, 'event', event.id);
  }
}

describe.each<QueueLibrary>(['bull', 'bullmq'])('a process on a queue of %s that ends', (library) => {
  let worker: Host;
  let next: Host | undefined;
  const probe = connectToRedis();
  beforeEach(async () => {
    worker = await startHost({ ...quick, queue: queueOf(library), providers: [Crm] });
    await until(() => transportOf(worker).redis?.status === 'ready');
  });
  afterEach(async () => {
    await next?.close();
    next = undefined;
    await worker.close();
  });
  afterAll(() => probe.disconnect());

  const transportOf = ({ app }: Host) => app.get(QueueTransport, { strict: false });

  it('takes no more jobs at once, and shares the budget until its passes have ended', async () => {
    const gate = new Gate();
    gates.push(gate);
    const id = await send(worker, worker.stripe.create('customer', {}, { delivery: 'lost' }));
    await gate.reached;
    const transport = transportOf(worker);
    const closed = worker.app.close();
    await transport.silence();
    for (let i = 0; i < 50; i += 1) {
      await probe.ping();
      expect(transport.redis!.status).toBe('ready');
    }
    gate.release();
    next = await startHost({ ...quick, providers: [Crm], beside: worker });
    await closed;
    expect(transport.redis!.status).toBe('end');
    await settled(next);
    expect(await effects(next)).toEqual([`event ${id}`]);
  });

  it('leaves no connection open to a Redis that hangs', async () => {
    const line = await RedisLine.open();
    const host = await startHost({
      ...quick,
      queue: queueOf(library, undefined, line.url),
      providers: [Crm],
    });
    await until(() => transportOf(host).redis?.status === 'ready');
    const redis = transportOf(host).redis!;
    line.hush();
    await host.app.close();
    await until(() => redis.status === 'end');
    await line.cut();
    await host.close();
  });

  it('says nothing of a job that it could not send any more', async () => {
    const errors: string[] = [];
    const silent = () => undefined;
    Logger.overrideLogger({
      log: silent,
      warn: silent,
      error: (message: unknown) => errors.push(String(message)),
    });
    try {
      const gate = new Gate();
      gates.push(gate);
      const { id } = worker.stripe.create('customer', {}, { delivery: 'lost' });
      await send(worker, { id, object: 'customer' });
      await gate.reached;
      const transport = transportOf(worker);
      let fail: ((error: Error) => void) | undefined;
      transport.send = () => new Promise((_, reject) => (fail = reject));
      const closed = worker.app.close();
      await transport.silence();
      const key = { source: 'stripe', connectionId: 'default', resource: 'customer', id };
      dispatcherOf(worker).dispatch([dueRecordOf(recordKeyOf(key), key)]);
      await until(() => fail !== undefined);
      gate.release();
      await until(() => transport.isClosed);
      fail!(new Error('Connection is closed'));
      await closed;
      expect(errors).toEqual([]);
    } finally {
      Logger.overrideLogger(false);
    }
  });
});
