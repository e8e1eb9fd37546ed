import { Injectable } from '@nestjs/common';
import { OnSyncChange } from 'nestjs-hybrid-sync';
import { compileChildProgram, type ChildProgram } from '../support/child-app.js';
import { ChildEffect } from '../support/child-effect.js';
import { startHost, type Host } from '../support/host.js';

const RECORDS = 800;

/** Known to the process that begins the run; others do the work. */
@Injectable()
class Handlers {
  @OnSyncChange('stripe', 'customer', { name: 'change' })
  change() {}
}

describe('a backfill whose process is killed', () => {
  let program: ChildProgram;
  let host: Host;
  // A lease that a stalled process outlives: it would lose the run to itself, and ask again for what it was at.
  const quick = { leaseMs: 5_000, sweepEveryMs: 50 };

  beforeAll(async () => {
    program = compileChildProgram();
    host = await startHost({ role: 'none', providers: [Handlers], entities: [ChildEffect], sync: quick });
  });
  afterAll(async () => {
    await program?.close();
    await host?.close();
  });

  it('is gone on with by the next process, from the pages that it had reached', async () => {
    const { stripe, database } = host;
    const day = 86_400;
    const now = Math.floor(Date.now() / 1000);
    for (let i = 0; i < RECORDS; i += 1)
      stripe.create(
        'customer',
        { id: `cus_${i}`, created: now - 60 - i * 2 * day },
        { delivery: 'unlogged' },
      );
    const listed = () => stripe.requests.all({ path: '/v1/customers' });
    const child = await program.start({ database, stripe, sync: quick });
    const later = stripe.hold((request) => request.path === '/v1/customers' && listed().length > 6);
    const run = await host.sync.backfill({ source: 'stripe' });
    await later.reached;
    const before = await run.report();
    await child.kill();
    later.release();
    expect(before.resources.customer!.read).toBeGreaterThan(0);
    expect(before.resources.customer!.read).toBeLessThan(RECORDS);

    await program.start({ database, stripe, sync: quick });
    expect(await run.done()).toMatchObject({
      state: 'completed',
      resources: { customer: { read: RECORDS } },
      notDone: [],
    });
    const effects = await host.sql<{ record: string; times: number }>(
      `SELECT record_id AS record, count(*)::int AS times FROM effect WHERE handler = 'change' GROUP BY record_id`,
    );
    expect(effects).toHaveLength(RECORDS);
    expect(effects.filter(({ times }) => times !== 1)).toEqual([]);
    // Only the pages that were on their way are asked for again: at most one for each slice.
    const asked = listed().map(({ query }) => JSON.stringify(query));
    expect(asked.length - new Set(asked).size).toBeLessThanOrEqual(4);
    expect(stripe.requests.all({ path: /\/customers\/./ })).toEqual([]);
  });
});
