import { Injectable } from '@nestjs/common';
import { OnSyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, SERVERS } from '../support/only-on.js';
import { idleInTransaction } from '../support/sessions.js';
import { effects, Gate, quick, send, settled, write } from '../support/scenario.js';

const POOL = 5;
const RECORDS = 40;

/** Another system's API, which takes its time to answer. */
const network = { calls: 0, gate: new Gate() };

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false, transaction: 'none', timeoutMs: 600_000 })
  async push() {
    network.calls += 1;
    await network.gate.pass();
  }
}

describe('a small pool of the host', () => {
  let host: Host;
  afterEach(() => host.close());

  itOn(SERVERS, 'SQLite has no pool')(
    'is the host’s, however many handlers wait for a network, and for however long',
    async () => {
      host = await startHost({ ...quick, providers: [Crm], poolSize: POOL });
      for (let i = 0; i < RECORDS; i += 1) await send(host, { object: 'customer', id: `cus_${i}` });
      await until(() => network.calls === RECORDS);
      expect(await idleInTransaction(host)).toEqual([]);

      // The host takes every connection that there is, all at once.
      const runners = Array.from({ length: POOL }, () => host.dataSource.createQueryRunner());
      await Promise.all(runners.map((runner) => runner.startTransaction()));
      await Promise.all(runners.map((runner, i) => write(runner.manager, 'host', `#${i}`)));
      // And deliveries come in meanwhile.
      await send(host, { object: 'product', id: 'prod_1' });
      await Promise.all(runners.map((runner) => runner.commitTransaction()));
      await Promise.all(runners.map((runner) => runner.release()));
      expect(await effects(host)).toHaveLength(POOL);

      network.gate.release();
      await settled(host);
      expect(network.calls).toBe(RECORDS);
    },
  );
});
