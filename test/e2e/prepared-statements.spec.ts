import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { SyncDatabase } from '../../lib/database/sync.database.js';
import { startHost, type Host, type HostOptions } from '../support/host.js';
import { describeOn } from '../support/only-on.js';
import { effects, quick, send, settled, write } from '../support/scenario.js';

/** All that means something in an array or in a text. */
const AWKWARD = `a "b" \\ {c}, 'd' NULL`;

@Injectable()
class Billing {
  attempts: number[] = [];
  play: (context: SyncContext) => unknown = () => undefined;

  @OnSyncEvent('stripe', 'customer.*', { name: 'book', hydrate: false })
  async book({ id }: SyncEvent, context: SyncContext) {
    this.attempts.push(context.attempt);
    await write(context.manager, 'book', id);
    await this.play(context);
  }

  @OnSyncChange('stripe', 'product', { name: AWKWARD })
  async save({ record }: SyncChange, { manager, attempt }: SyncContext) {
    this.attempts.push(attempt);
    if (attempt === 1) throw new Error(`${AWKWARD}\0`);
    await write(manager, 'save', record.id);
  }
}

describeOn('postgres', 'the others are sent one statement at a time')('statements that are prepared', () => {
  let host: Host | undefined;
  afterEach(() => host?.close());

  const start = async (options: HostOptions = {}) =>
    (host = await startHost({ ...quick, providers: [Billing], poolSize: 4, ...options }));

  /** As a pooler does that gives each transaction another of its sessions. */
  async function forget({ dataSource }: Host): Promise<void> {
    const runners = Array.from({ length: 4 }, () => dataSource.createQueryRunner());
    await Promise.all(runners.map((runner) => runner.query('DEALLOCATE ALL')));
    await Promise.all(runners.map((runner) => runner.release()));
  }

  /** Whether it has been noticed that they do not stay. */
  const isKnown = (host: Host) => {
    const database: object = host.app.get(SyncDatabase, { strict: false });
    return !(database as { prepared: { stays: boolean } }).prepared.stays;
  };

  it.each<[string, boolean]>([
    ['before a transaction', false],
    ['in the middle of one', true],
  ])('may be lost %s: it is done again, and no attempt is used', async (_, inTheMiddle) => {
    const host = await start();
    const billing = host.app.get(Billing);
    if (inTheMiddle)
      billing.play = ({ manager }) => billing.attempts.length > 4 && manager.query('DEALLOCATE ALL');
    const ids: string[] = [];
    for (let after = 0; after < 3; after += isKnown(host) ? 1 : 0) {
      ids.push(await send(host, { object: 'customer', id: 'cus_1' }));
      await settled(host);
      if (!inTheMiddle) await forget(host);
    }
    expect(await effects(host)).toEqual(ids.map((id) => `book ${id}`));
    // Whether the handler was called again depends on what was looked for first.
    expect(new Set(billing.attempts)).toEqual(new Set([1]));
  });

  it.each([
    ['as one message', {}],
    ['one by one, where the driver takes no message', { typeorm: { extra: { pipeline: true } } }],
  ])('carry any text there is, %s', async (_, options) => {
    const host = await start(options);
    const product = host.stripe.create('product', {}, { delivery: 'unlogged' });
    const id = await send(host, product);
    await settled(host);
    expect(await effects(host)).toEqual([`save ${product.id}`]);
    expect(host.app.get(Billing).attempts).toEqual([1, 2]);
    expect(await host.sql('SELECT handler, state, version, error FROM sync_mark')).toEqual([
      { handler: AWKWARD, state: 'done', version: 1, error: null },
    ]);
    expect(await host.sync.explain(id)).toContain('completed');
  });

  it('tell of a failure in the handler’s own words, but for what no text can hold', async () => {
    const host = await start({ source: { ...quick.source, maxAttempts: 1 } });
    await send(host, host.stripe.create('product', {}, { delivery: 'unlogged' }));
    await settled(host);
    expect(await host.sql('SELECT dead_by, error FROM sync_event')).toEqual([
      { dead_by: JSON.stringify([AWKWARD]), error: `Error: ${AWKWARD}` },
    ]);
    expect(await host.sql('SELECT handler, error FROM sync_mark')).toEqual([
      { handler: AWKWARD, error: `Error: ${AWKWARD}` },
    ]);
  });
});
