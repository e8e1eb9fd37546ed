import type { Host } from './host.js';

/** Of when the server knows how many events wait. */
export type InboxStatistics = 'now' | 'before there was a backlog';

/** Of three connections: 200,000 settled events of the last weeks, and 50,000 that wait, some of them for something. */
export async function fillLargeInbox({ sql }: Host, statistics: InboxStatistics): Promise<void> {
  await sql('ALTER TABLE sync_event SET (autovacuum_enabled = false)');
  const columns = `dedupe_key, record_key, source, connection_id, resource, record_id, type, origin`;
  const event = (
    name: string,
  ) => `decode(md5('${name} ' || i), 'hex'), decode(md5('${name} record ' || i / 2), 'hex'), 'stripe',
    ('{default,acct_1,acct_2}'::text[])[1 + i % 3], 'invoice', '${name}' || i / 2, 'invoice.paid', 'webhook'`;
  await sql(
    `INSERT INTO sync_event (${columns}, state, reason, received_at, available_at, settled_at)
     SELECT ${event('settled')}, CASE WHEN i % 1000 = 0 THEN 'dead' WHEN i % 500 = 1 THEN 'skipped' ELSE 'completed' END,
       CASE WHEN i % 500 = 1 THEN 'no-handler' END, at, at, at
     FROM generate_series(1, 200000) AS i, LATERAL (SELECT now() - interval '31 days' + i * interval '13 seconds' AS at) AS time`,
  );
  await sql('ANALYZE sync_event');
  await sql(
    `INSERT INTO sync_event (${columns}, received_at, available_at, wait_reason)
     SELECT ${event('waiting')}, at, CASE WHEN i % 7 = 0 THEN now() + interval '1 hour' ELSE at END,
       CASE i % 7 WHEN 0 THEN 'retry' WHEN 1 THEN 'delete-cap' END
     FROM generate_series(1, 50000) AS i, LATERAL (SELECT now() - interval '3 hours' + i * interval '150 milliseconds' AS at) AS time`,
  );
  await sql(
    `INSERT INTO sync_record (record_key, source, connection_id, resource, record_id, version, saved_at)
     SELECT record_key, min(source), min(connection_id), min(resource), min(record_id), 1, now() - interval '1 day' FROM sync_event GROUP BY record_key`,
  );
  await sql(`ANALYZE ${statistics === 'now' ? 'sync_event, ' : ''}sync_record, sync_mark, sync_pause`);
}
