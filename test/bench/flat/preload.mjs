import { BASE_62, ID_EPOCH_S } from '../events.mjs';

/** The keys and the ids of what came at a time: they begin with it, as Stripe's do. */
const digit = (worth) => `substr('${BASE_62}', minute / ${worth} % 62 + 1, 1)`;
const FUNCTIONS = `
  CREATE OR REPLACE FUNCTION bench_start(at timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT '1' || ${[62 ** 3, 62 ** 2, 62, 1].map(digit).join(' || ')}
    FROM (SELECT ((extract(epoch FROM at)::bigint - ${ID_EPOCH_S}) / 62)::int AS minute) AS time $$;
  CREATE OR REPLACE FUNCTION bench_key(at timestamptz, name text) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$
    SELECT convert_to(bench_start(at), 'UTF8') || substr(decode(md5(name), 'hex'), 1, 11) $$`;

/** Rows that one statement makes: the server shows no progress in the midst of one. */
const CHUNK = 500_000;

const WAIT_REASONS = ['retry', 'budget', 'rate-limited', 'fetch-failed', 'parent', 'paused', 'delete-cap'];

/**
 * An inbox as it is after years: so many settled events without their bodies, ten of each record, and so many that wait, of
 * as many records and of three connections, a third of them for something. Ids, and times of arrival, rise together.
 * @param oldestDays how long ago the oldest came
 */
export async function preload(database, { settled = 0, waiting = 0, oldestDays = 80 }) {
  const { sql } = database;
  await sql('TRUNCATE sync_event, sync_record, sync_mark RESTART IDENTITY');
  await sql(FUNCTIONS);
  const definitions = await indexesOf(database);
  for (const { name } of definitions) await sql(`DROP INDEX ${name}`);
  const oldest = `now() - interval '${oldestDays} days'`;
  for (let from = 1; from <= settled; from += CHUNK) {
    const to = Math.min(from + CHUNK - 1, settled);
    await sql(
      `INSERT INTO sync_event (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type, origin,
         occurred_at, received_at, available_at, settled_at, state, late, succeeded_by)
       SELECT bench_key(at, 'settled ' || i), bench_key(first_at, 'record ' || i / 10), 'stripe', 'default', 'invoice',
         'in_' || i / 10, 'evt_' || md5('settled ' || i), 'invoice.paid', 'webhook', at, at, at, at, 'completed', false,
         '["Billing.save"]'
       FROM generate_series($1::bigint, $2::bigint) AS i,
         LATERAL (SELECT ${oldest} + i * interval '1 day' * $3 AS at, ${oldest} + i / 10 * 10 * interval '1 day' * $3 AS first_at)
           AS time`,
      [from, to, (oldestDays - 0.01) / Math.max(settled, 1)],
    );
  }
  for (let from = 1; from <= waiting; from += CHUNK)
    await addWaiting(database, 'waiting', from, Math.min(from + CHUNK - 1, waiting));
  await sql(
    `INSERT INTO sync_record (record_key, source, connection_id, resource, record_id, version)
     SELECT record_key, min(source), min(connection_id), min(resource), min(record_id), 1 FROM sync_event GROUP BY record_key`,
  );
  for (const { definition } of definitions) await sql(definition);
  await sql('VACUUM ANALYZE sync_event, sync_record');
}

/** Waiting events without bodies, each of a record of its own; of the third that waits for something, half is due. */
async function addWaiting({ sql }, name, from, to) {
  await sql(
    `INSERT INTO sync_event (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type, origin,
       occurred_at, received_at, available_at, wait_reason, payload)
     SELECT bench_key(at, $1 || i), bench_key(at, $1 || 'record ' || i), 'stripe',
       CASE WHEN i % 100 = 0 THEN 'acct_tiny' WHEN i % 10 = 0 THEN 'acct_small' ELSE 'default' END, 'invoice', $1 || i, 'evt_' || md5($1 || i),
       'invoice.paid', 'webhook', at, at,
       CASE i % 6 WHEN 0 THEN at + interval '5 minutes' WHEN 3 THEN now() + interval '1 hour' ELSE at END,
       CASE WHEN i % 3 = 0 THEN ($4::text[])[1 + i / 3 % 7] END, '{}'
     FROM generate_series($2::bigint, $3::bigint) AS i,
       LATERAL (SELECT now() - interval '3 hours' + i * interval '8 milliseconds' AS at) AS time`,
    [name, from, to, WAIT_REASONS],
  );
}

/** But for the primary key's: built at the end, as a server does when it is restored, and in a tenth of the time. */
async function indexesOf({ sql }) {
  return sql(
    `SELECT quote_ident(indexname) AS name, indexdef AS definition FROM pg_indexes
     WHERE tablename = 'sync_event' AND indexdef NOT LIKE '%(id)%'`,
  );
}
