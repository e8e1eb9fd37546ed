import { mirror, RetryLaterError, UnrecoverableError, type Target, type TargetRow } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
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
    expect(warehouse.batches.length).toBeLessThanOrEqual(12);

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
