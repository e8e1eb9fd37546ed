import { ChildEffect } from './child-effect.js';
import type { Cluster } from './cluster.js';
import { until } from './host.js';
import type { Traffic } from './traffic.js';

/** What must be true when a cluster has done all that the traffic gave it to do. */
export class ClusterOutcome {
  constructor(
    private readonly cluster: Cluster,
    private readonly traffic: Traffic,
  ) {}

  async expectAllRight(): Promise<void> {
    const { sql } = this.cluster;
    await until(
      async () => (await sql(`SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1`)).length === 0,
    );
    await this.expectEachEventOnceAndInOrder();
    await this.expectNewestStates();
    expect(await sql('SELECT record_id FROM sync_record WHERE lease_token IS NOT NULL')).toEqual([]);
  }

  private async expectEachEventOnceAndInOrder(): Promise<void> {
    const rows = await this.cluster.sql<{ event_id: string; late: boolean | null }>(
      'SELECT event_id, late FROM sync_event',
    );
    const others = await this.cluster.sql(
      `SELECT state, reason, dead_by, error, COUNT(*) AS events, MIN(event_id) AS one FROM sync_event
       WHERE state <> 'completed' GROUP BY state, reason, dead_by, error`,
    );
    expect(others).toEqual([]);
    const late = new Set(rows.filter((row) => row.late).map((row) => row.event_id));
    const numbers = new Map(this.traffic.events.map(({ id, number }) => [id, number]));
    const handled = await this.written('event');
    expect(handled.flatMap(([, ids]) => ids).sort()).toEqual([...numbers.keys()].sort());
    for (const [recordId, ids] of handled) {
      let newest = -1;
      for (const id of ids) {
        // What came when a newer one had been handled says so; no other may stand behind a newer one.
        if (numbers.get(id)! < newest) expect([recordId, id, late.has(id)]).toEqual([recordId, id, true]);
        newest = Math.max(newest, numbers.get(id)!);
      }
    }
  }

  private async expectNewestStates(): Promise<void> {
    const touched = new Set(this.traffic.events.map(({ recordId }) => recordId));
    const changes = await this.written('change');
    expect(changes.map(([recordId]) => recordId).sort()).toEqual([...touched].sort());
    for (const [recordId, causes] of changes) {
      const steps = causes.map((cause) => cause.split(' ').map(Number) as [version: number, name: number]);
      expect(String(steps.at(-1)![1])).toBe(this.cluster.stripe.get('customer', recordId)!.name);
      steps.slice(1).forEach(([version, name], i) => {
        // No version twice, no state again, and never an older one.
        expect(version).toBeGreaterThan(steps[i]![0]);
        expect(name).toBeGreaterThan(steps[i]![1]);
      });
    }
  }

  /** What a handler has written, in the order in which it wrote it, by record. */
  private async written(handler: string): Promise<[recordId: string, causes: string[]][]> {
    const effects = await this.cluster.db
      .getRepository(ChildEffect)
      .find({ where: { handler }, order: { id: 'ASC' } });
    const byRecord = new Map<string, string[]>();
    for (const { recordId, cause } of effects) {
      const causes = byRecord.get(recordId);
      if (causes) causes.push(cause);
      else byRecord.set(recordId, [cause]);
    }
    return [...byRecord];
  }
}
