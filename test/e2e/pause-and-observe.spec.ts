import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { Gate, noPassRuns, quick, send, settled } from '../support/scenario.js';

let calls: string[] = [];
let gate: Gate | undefined;

@Injectable()
class Shop {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent) {
    calls.push(`book ${event.id}`);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  async mail(event: SyncEvent) {
    calls.push(`mail ${event.id}`);
    await gate?.pass();
  }

  @OnSyncChange('stripe', 'product', { name: 'shelf' })
  shelf({ kind }: SyncChange) {
    calls.push(`shelf ${kind}`);
  }

  @OnSyncChange('stripe', 'product', { name: 'window', observe: true })
  window({ kind }: SyncChange) {
    calls.push(`window ${kind}`);
  }
}

const clear = async (host: Host) => {
  calls = [];
  for (const table of ['event', 'record', 'mark', 'pause']) await host.sql(`DELETE FROM sync_${table}`);
};
const create = (host: Host, type: string) => host.stripe.create(type, {}, { delivery: 'unlogged' });

describe('a pause', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop] });
  });
  afterAll(() => host?.close());
  beforeEach(() => clear(host));

  it('of a source: all is accepted, nothing runs, and nothing is lost', async () => {
    await host.sync.pause({ source: 'stripe' });
    const customer = create(host, 'customer');
    const ids = [await send(host, customer), await send(host, customer)];
    await host.sync.idle();
    await noPassRuns(host);
    expect(calls).toEqual([]);
    expect(await host.sql('SELECT starts FROM sync_record')).toEqual([]);

    await host.sync.resume({ source: 'stripe' });
    await settled(host);
    expect(calls).toEqual(ids.flatMap((id) => [`book ${id}`, `mail ${id}`]));
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'of a handler that ends while a pass is under way leaves nothing waiting',
    async () => {
      await host.sync.pause({ handler: 'book' });
      gate = new Gate();
      const id = await send(host, create(host, 'customer'));
      await gate.reached;
      // The pass has seen the pause, and will give the event back.
      await host.sync.resume({ handler: 'book' });
      gate.release();
      gate = undefined;
      await settled(host);
      expect(calls).toEqual([`mail ${id}`, `book ${id}`]);
    },
  );

  it('of a connection leaves the others alone', async () => {
    await host.sync.pause({ source: 'stripe', connectionId: 'acct_1' });
    const id = await send(host, create(host, 'customer'));
    await settled(host);
    expect(calls).toEqual([`book ${id}`, `mail ${id}`]);
    await host.sync.resume({ source: 'stripe', connectionId: 'acct_1' });
  });

  it('of a handler leaves the others alone, and it catches up in order', async () => {
    await host.sync.pause({ handler: 'mail' });
    const customer = create(host, 'customer');
    const ids = [await send(host, customer), await send(host, customer)];
    const waiting = `SELECT event_id FROM sync_event WHERE state = 'waiting' AND wait_reason = 'paused'`;
    await until(async () => (await host.sql(waiting)).length === 2);
    expect(calls).toEqual(ids.map((id) => `book ${id}`));
    expect(await host.sync.explain(ids[0]!)).toMatch(/paused, until SyncService\.resume\(\)/);
    expect(await host.sql('SELECT attempts FROM sync_mark WHERE attempts > 0')).toEqual([]);

    calls = [];
    await host.sync.resume({ handler: 'mail' });
    await settled(host);
    expect(calls).toEqual(ids.map((id) => `mail ${id}`));
  });

  it('of a change handler: it sees the newest state in the end, once', async () => {
    await host.sync.pause({ handler: 'shelf' });
    const product = create(host, 'product');
    await send(host, product);
    await send(host, product);
    await host.sync.idle();
    expect(calls).toEqual([]);
    await host.sync.resume({ handler: 'shelf' });
    await settled(host);
    expect(calls).toEqual(['shelf created']);
  });

  it('holds for a process that starts later', async () => {
    await host.sync.pause({ source: 'stripe' });
    const other = await startHost({ ...quick, providers: [Shop], beside: host });
    try {
      await send(other, create(host, 'customer'));
      await other.sync.idle();
      await noPassRuns(other);
      expect(calls).toEqual([]);
      await other.sync.resume({ source: 'stripe' });
      await settled(host);
      expect(calls).toHaveLength(2);
    } finally {
      await other.close();
    }
  });

  it('of what is not there is refused, with what is', async () => {
    await expect(host.sync.pause({ source: 'strpe' })).rejects.toThrow(
      /no source 'strpe'; there is: 'stripe'/,
    );
    await expect(host.sync.pause({ handler: 'post' })).rejects.toThrow(
      /no handler 'post'; .*'book'.*'shelf'/,
    );
  });
});

describe('who only observes', () => {
  it('is not called, but named', async () => {
    const host = await startHost({
      ...quick,
      providers: [Shop],
      source: { ...quick.source, handlers: 'observe' },
    });
    try {
      await clear(host);
      const id = await send(host, create(host, 'customer'));
      const change = await send(host, create(host, 'product'));
      await settled(host);
      expect(calls).toEqual([]);
      expect(await host.sql('SELECT state, reason, error FROM sync_event ORDER BY id')).toEqual([
        { state: 'skipped', reason: 'observed', error: 'would have been called: book, mail' },
        { state: 'skipped', reason: 'observed', error: 'would have been called: shelf, window' },
      ]);
      expect(await host.sync.explain(id)).toMatch(/only observe.*\n.*would have been called: book, mail/);
      expect(await host.sync.explain(change)).toMatch(/would have been called: shelf, window/);
      // Records are read, and no mark is moved.
      expect(await host.sql('SELECT version FROM sync_record ORDER BY resource')).toEqual([
        { version: 1 },
        { version: 1 },
      ]);
      expect(await host.sql('SELECT * FROM sync_mark')).toEqual([]);
    } finally {
      await host.close();
    }
  });

  it('can be one handler of several, and is shown the record once it goes live', async () => {
    const host = await startHost({ ...quick, providers: [Shop] });
    try {
      await clear(host);
      await send(host, create(host, 'product'));
      await settled(host);
      expect(calls).toEqual(['shelf created']);
      expect(await host.sql('SELECT handler FROM sync_mark')).toEqual([{ handler: 'shelf' }]);
      expect(await host.sql('SELECT state FROM sync_event')).toEqual([{ state: 'completed' }]);
    } finally {
      await host.close();
    }
  });
});
