import { jest } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { ClusterOutcome } from '../support/cluster-outcome.js';
import { describeOn, SERVERS } from '../support/only-on.js';
import { Traffic } from '../support/traffic.js';

const SEED = Number(process.env.CLUSTER_SEED ?? Date.now() & 0x7fffffff);

/** A lease that was not given back would hold its record up for longer than this lasts. */
const sync = { leaseMs: 3_600_000, sweepEveryMs: 100, acceptTimeoutMs: 30_000 };

// Processes start and end here, on a machine that may be busy.
jest.setTimeout(400_000);

describeOn(SERVERS, 'SQLite is for one process')(`a rolling deploy (seed ${SEED})`, () => {
  let cluster: Cluster | undefined;
  let traffic: Traffic | undefined;
  afterEach(async () => {
    traffic?.close();
    await cluster?.close();
  });

  it('of all processes under steady load: no delivery fails, nothing is lost or done twice', async () => {
    cluster = await Cluster.start({ workers: 2, ingesters: 2, sync });
    traffic = new Traffic(cluster.stripe, { records: 200, seed: SEED, senders: 4, restMs: 80 });
    const sent = traffic.run(cluster.balancer);
    await cluster.deploy();
    traffic.end();
    await sent;
    expect(traffic.failures).toEqual([]);
    await new ClusterOutcome(cluster, traffic).expectAllRight();
  });
});
