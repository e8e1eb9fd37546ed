import { jest } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { ClusterOutcome } from '../support/cluster-outcome.js';
import { describeOn, SERVERS } from '../support/only-on.js';
import { Traffic } from '../support/traffic.js';
import { Random } from '../../lib/testing/fake-provider/random.js';

/** `CLUSTER_EVENTS=50000 CLUSTER_SEED=<of a failure> npm run test:cluster` */
const EVENTS = Number(process.env.CLUSTER_EVENTS ?? 2_000);
const SEED = Number(process.env.CLUSTER_SEED ?? Date.now() & 0x7fffffff);
const KILLS = 4 + Math.floor(EVENTS / 2_500);

/** The lease outlives a machine that stalls for a second or two; a database that does is no reason to refuse anything. */
const sync = { leaseMs: 4_000, sweepEveryMs: 100, acceptTimeoutMs: 30_000 };

// Processes start and end here, on a machine that may be busy.
jest.setTimeout(120_000 + EVENTS * 20);

describeOn(SERVERS, 'SQLite is for one process')(`workers that are killed (seed ${SEED})`, () => {
  let cluster: Cluster | undefined;
  let traffic: Traffic | undefined;
  afterEach(async () => {
    traffic?.close();
    await cluster?.close();
  });

  it(`${KILLS} times amid ${EVENTS} events: each is handled once, in order, to the newest state`, async () => {
    cluster = await Cluster.start({ workers: 4, ingesters: 2, sync });
    traffic = new Traffic(cluster.stripe, { records: 2_000, events: EVENTS, seed: SEED, senders: 16 });
    const random = new Random(SEED);
    const kills = new Map(
      Array.from({ length: KILLS }, (_, n) => [
        Math.ceil(((n + random.of(`when ${n}`)) / KILLS) * EVENTS),
        random.of(`whom ${n}`),
      ]),
    );
    const { queue } = cluster;
    const mishaps: Promise<void>[] = [];
    const when = (share: number) => Math.ceil(EVENTS * share);
    await traffic.run(cluster.balancer, (accepted) => {
      if (kills.has(accepted)) cluster!.killWorker(kills.get(accepted)!);
      if (!queue) return;
      if (kills.has(accepted)) mishaps.push(queue.flush());
      if (accepted === when(0.4)) mishaps.push(queue.cut());
      if (accepted === when(0.6)) mishaps.push(queue.mend());
    });
    await Promise.all(mishaps);
    expect(cluster.kills).toBeGreaterThanOrEqual(4);
    await cluster.restarted();
    await new ClusterOutcome(cluster, traffic).expectAllRight();
  });
});
