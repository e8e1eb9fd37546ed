import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until } from '../support/host.js';

@Injectable()
class Copy {
  count = 0;

  @OnSyncChange('stripe', 'customer')
  changed() {
    this.count += 1;
  }
}

@Injectable()
class Greeting {
  count = 0;

  @OnSyncEvent('stripe', 'customer.created')
  created() {
    this.count += 1;
  }
}

describe('the budget of API calls', () => {
  it('is not asked by events that nobody wants a record for', async () => {
    const host = await startHost({ providers: [Greeting], source: { callsPerSecond: 1 } });
    try {
      for (let i = 0; i < 30; i++) host.stripe.emit('charge.updated', 'charge', { id: `ch_${i}` });
      host.stripe.create('customer');
      await host.stripe.flush();
      await host.sync.idle();
      const states = await host.sql(`SELECT state, count(*)::int AS n FROM sync_event GROUP BY 1 ORDER BY 1`);
      expect(states).toEqual([
        { state: 'completed', n: 1 },
        { state: 'skipped', n: 30 },
      ]);
    } finally {
      await host.close();
    }
  });

  it('is not exceeded, and is waited for without an attempt', async () => {
    const callsPerSecond = 40;
    // No sweep comes to help: what was put off must come back by itself.
    const sync = { sweepEveryMs: 600_000 };
    const host = await startHost({ providers: [Copy], source: { callsPerSecond }, sync });
    try {
      for (let i = 0; i < 100; i++) host.stripe.create('customer');
      await host.stripe.flush();
      const copy = host.app.get(Copy);
      await until(() => copy.count === 100);
      await host.sync.idle();

      const requests = host.stripe.requests.all();
      expect(requests).toHaveLength(100);
      const times = requests.map(({ at }) => new Date(at).getTime());
      const perWindow = times.map((from) => times.filter((at) => at >= from && at < from + 900).length);
      // A window of the limiter's may begin right after another has ended.
      expect(Math.max(...perWindow)).toBeLessThanOrEqual(2 * callsPerSecond);
      expect(await host.sql(`SELECT DISTINCT state FROM sync_event`)).toEqual([{ state: 'completed' }]);
      expect(await host.sql(`SELECT DISTINCT attempts FROM sync_mark`)).toEqual([{ attempts: 0 }]);
    } finally {
      await host.close();
    }
  });
});
