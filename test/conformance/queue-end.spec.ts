import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { QueueTransport } from '../../lib/dispatch/queue/queue-transport.js';
import { startHost, until, type Host } from '../support/host.js';
import { connectToRedis, queueOf, type QueueLibrary } from '../support/redis.js';
import { effects, Gate, quick, send, settled, write } from '../support/scenario.js';

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
  let next: Host;
  const redis = connectToRedis();
  beforeEach(async () => {
    const queue = queueOf(library);
    worker = await startHost({ ...quick, queue, providers: [Crm] });
    next = await startHost({ ...quick, queue, providers: [Crm], beside: worker });
    for (const host of [worker, next]) await until(() => transportOf(host).redis?.status === 'ready');
  });
  afterEach(async () => {
    await next.close();
    await worker.close();
  });
  afterAll(() => redis.disconnect());

  const transportOf = ({ app }: Host) => app.get(QueueTransport, { strict: false });
  const sendOne = (host: Host) => send(host, host.stripe.create('customer', {}, { delivery: 'lost' }));

  it('takes no more jobs at once, and shares the budget until its passes have ended', async () => {
    gates.push(new Gate(), new Gate());
    const held = [...gates];
    const ids = [await sendOne(worker), await sendOne(worker)];
    await Promise.all(held.map(({ reached }) => reached));
    const transports = [worker, next].map(transportOf);
    const closed = Promise.all([worker.app.close(), next.app.close()]);
    await Promise.all(transports.map((transport) => transport.silence()));
    for (let i = 0; i < 50; i += 1) {
      await redis.ping();
      expect(transports.map((transport) => transport.redis!.status)).toEqual(['ready', 'ready']);
    }
    held.forEach((gate) => gate.release());
    await closed;
    expect(transports.map((transport) => transport.redis!.status)).toEqual(['end', 'end']);

    next = await startHost({ ...quick, providers: [Crm], beside: worker });
    await settled(next);
    expect((await effects(next)).sort()).toEqual(ids.map((id) => `event ${id}`).sort());
  });
});
