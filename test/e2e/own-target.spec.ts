import {
  mirror,
  ProviderError,
  RetryLaterError,
  UnrecoverableError,
  type Target,
  type TargetRow,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { found, longAgo, NONE, passTime, reconcile } from '../support/reconciling.js';
import { quick, send, settled } from '../support/scenario.js';

/** A warehouse of the host's own. */
class Warehouse implements Target<{ email: string | null }> {
  readonly name = 'warehouse.people';
  readonly mostRows = 50;
  readonly stored = new Map<string, object | null>();
  readonly batches: number[] = [];
  answer: (row: TargetRow) => Error | null = () => null;
  fails: Error | undefined;

  write(rows: readonly TargetRow<{ email: string | null }>[]): Promise<(Error | null)[]> {
    this.batches.push(rows.length);
    if (this.fails) return Promise.reject(this.fails);
    return Promise.resolve(
      rows.map((row) => {
        const problem = this.answer(row);
        if (!problem) this.stored.set(row.id, row.row);
        return problem;
      }),
    );
  }
}

describe('a target of the host’s own', () => {
  let host: Host;
  let warehouse: Warehouse;
  beforeEach(async () => {
    warehouse = new Warehouse();
    host = await startHost({
      ...quick,
      mirrors: [
        mirror('stripe', 'customer', {
          to: warehouse,
          key: (record) => `${record.connectionId}/${record.id}`,
          map: ({ email }: { email: string | null }) => ({ email }),
        }),
      ],
    });
  });
  afterEach(() => host.close());

  const create = async (id: string) => {
    host.stripe.create('customer', { id, email: `${id}@example.com` }, { delivery: 'unlogged' });
    await send(host, { object: 'customer', id });
  };

  it('is given rows of different records together, and what is gone as nothing', async () => {
    await host.sync.pause({ source: 'stripe' });
    for (let i = 0; i < 120; i++) await create(`cus_${i}`);
    await host.sync.resume({ source: 'stripe' });
    await settled(host);
    expect(warehouse.stored.size).toBe(120);
    expect(warehouse.stored.get('default/cus_7')).toEqual({ email: 'cus_7@example.com' });
    expect(Math.max(...warehouse.batches)).toBeLessThanOrEqual(50);
    expect(warehouse.batches.length).toBeLessThanOrEqual(60);

    host.stripe.delete('customer', 'cus_7');
    await until(() => warehouse.stored.get('default/cus_7') === null);
  });

  it('decides row by row what becomes of it', async () => {
    const tries = new Map<string, number>();
    warehouse.answer = ({ id }) => {
      const tried = (tries.get(id) ?? 0) + 1;
      tries.set(id, tried);
      if (id.endsWith('never')) return new UnrecoverableError('no such column');
      if (id.endsWith('later') && tried < 3) return new RetryLaterError({ afterMs: 20 });
      return id.endsWith('fails') && tried < 2 ? new Error('a hiccup') : null;
    };
    await Promise.all(['cus_ok', 'cus_never', 'cus_later', 'cus_fails'].map(create));
    await settled(host);
    expect([...warehouse.stored.keys()].sort()).toEqual([
      'default/cus_fails',
      'default/cus_later',
      'default/cus_ok',
    ]);
    expect(tries.get('default/cus_never')).toBe(1);
    expect(await host.sql(`SELECT record_id FROM sync_event WHERE state = 'dead'`)).toEqual([
      { record_id: 'cus_never' },
    ]);
  });

  it('fails for all rows when it throws, and gets them again', async () => {
    warehouse.fails = new Error('away');
    await Promise.all(['cus_1', 'cus_2'].map(create));
    await until(() => warehouse.batches.length >= 2);
    warehouse.fails = undefined;
    await settled(host);
    expect(warehouse.stored.size).toBe(2);
  });
});

/** The tests let time pass in large steps, and no lease is to run out by that. */
const LONG = 86_400_000;

/** One that can be asked what stands there, in its own words: it keeps addresses in capitals. */
class Directory extends Warehouse {
  readonly asked: string[][] = [];
  unreadable: Error | undefined;
  gone = false;

  read(rows: readonly TargetRow<{ email: string | null }>[]): Promise<(object | null)[]> {
    this.asked.push(rows.map(({ id }) => id));
    if (this.unreadable) return Promise.reject(this.unreadable);
    return Promise.resolve(this.gone ? [] : rows.map(({ id }) => this.held(id)));
  }

  isSame(found: unknown, wanted: unknown, field: string): boolean {
    return field === 'email' && String(found) === String(wanted).toUpperCase();
  }

  private held(id: string): object | null {
    const row = this.stored.get(id) as { email: string } | null | undefined;
    return row ? { email: row.email.toUpperCase(), phone: 'unmapped' } : null;
  }
}

describe('a target of the host’s own, which it can read', () => {
  let host: Host;
  let directory: Directory;
  let unread: Warehouse;
  beforeEach(async () => {
    directory = new Directory();
    unread = new Warehouse();
    const map = ({ email }: { email: string | null }) => ({ email });
    host = await startHost({
      ...quick,
      sync: { ...quick.sync, leaseMs: LONG },
      mirrors: [
        mirror('stripe', 'customer', { to: directory, map }),
        mirror('stripe', 'customer', { name: 'unread', to: unread, map }),
      ],
    });
    for (let i = 0; i < 120; i += 1)
      host.stripe.create('customer', { id: `cus_${i}`, email: `${i}@example.com` });
    await longAgo(host);
  });
  afterEach(() => host.close());

  it('is compared by reconciliations, as many rows at once as it takes, and written where it differs', async () => {
    directory.stored.delete('cus_7');
    directory.stored.set('cus_8', { email: 'else@example.com' });
    unread.stored.clear();
    const report = await reconcile(host);
    expect(await found(host, report)).toEqual([
      'local cus_7: changed-locally',
      'local cus_8: changed-locally',
    ]);
    expect(report.findings.customer).toMatchObject({ local: 2, repaired: 2 });
    expect(directory.stored.get('cus_8')).toEqual({ email: '8@example.com' });
    expect(directory.asked.flat()).toHaveLength(120);
    expect(Math.max(...directory.asked.map((ids) => ids.length))).toBe(50);
    // What cannot be read is not looked at, and nobody else's rows are written.
    expect(unread.stored.size).toBe(0);
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
  });

  it.each([
    ['throws', 3, () => (directory.unreadable = new Error('no such table'))],
    ['says nothing of a row', 3, () => (directory.gone = true)],
    [
      'is busy',
      8,
      () => (directory.unreadable = new ProviderError('rate-limited', 'too many queries', 60_000)),
    ],
  ])('that %s is asked %d times, and then the resource has failed', async (_, times, fail) => {
    fail();
    const report = await reconcile(host, {}, 300_000);
    expect(report).toMatchObject({ state: 'failed', resources: { customer: { state: 'failed' } } });
    expect(report.notDone.join()).toMatch(
      /the rows of mirror:stripe\.customer>warehouse\.people could not be read.*(no such table|for each row|too many)/,
    );
    expect(directory.asked).toHaveLength(times);
  });

  it('that is busy for a moment is asked again', async () => {
    directory.stored.delete('cus_7');
    directory.unreadable = new RetryLaterError({ afterMs: 30 });
    const run = await host.sync.reconcile({ source: 'stripe' });
    await until(() => directory.asked.length > 2);
    expect((await run.report()).resources.customer).toMatchObject({ error: null });
    directory.unreadable = undefined;
    await until(async () => {
      passTime(host, 50);
      return (await run.report()).finishedAt !== null;
    });
    expect(await found(host, await run.report())).toEqual(['local cus_7: changed-locally']);
  });
});
