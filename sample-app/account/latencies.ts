import type { DataSource } from 'typeorm';
import type { ChangeLog } from '../stripe/change-log';

/** From a change at Stripe to the transaction that wrote it here, in milliseconds. Null: nothing has been written yet. */
export interface Latencies {
  readonly p50: number | null;
  readonly p99: number | null;
}

/**
 * A record's pass reads it after the event came that it is for. So a change is applied with the first event of its
 * record that came after it and is settled; one that has not come yet, delayed as it is, may be about it or not.
 *
 * Times are taken back from the database's now, so that its clock need not be this machine's.
 */
export async function latencies(dataSource: DataSource, changes: ChangeLog['entries']): Promise<Latencies> {
  const now = Date.now();
  const [found] = await dataSource.query<Latencies[]>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99
     FROM (
       SELECT extract(epoch FROM min(event.settled_at) - change.at) * 1000 AS ms
       FROM (
         SELECT n, resource, id, now() - age_ms * interval '1 millisecond' AS at
         FROM unnest($1::text[], $2::text[], $3::float8[]) WITH ORDINALITY AS given (resource, id, age_ms, n)
       ) AS change
       JOIN sync_event AS event
         ON event.resource = change.resource AND event.record_id = change.id
         AND event.received_at >= change.at AND event.state = 'completed'
       GROUP BY change.n, change.at
     ) AS applied`,
    [
      changes.map(({ resource }) => resource),
      changes.map(({ id }) => id),
      changes.map(({ at }) => now - at.getTime()),
    ],
  );
  return found!;
}
