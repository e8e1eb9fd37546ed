/** What handlers write to, and so does pgbench. */
const TARGET = `CREATE TABLE IF NOT EXISTS invoice_copy (
  id text PRIMARY KEY, customer text NOT NULL, status text NOT NULL, amount_due int NOT NULL, event_id text NOT NULL)`;

/** Empty, whatever was in it. */
export async function makeTarget(database) {
  await database.sql(TARGET);
  await database.sql('TRUNCATE invoice_copy');
}

/** So many waiting events, each of a record of its own, and nothing else. Ids count from 1. */
export async function preload(database, count, templates) {
  await makeTarget(database);
  await database.sql('TRUNCATE sync_event, sync_record, sync_mark RESTART IDENTITY');
  await database.sql(
    `INSERT INTO sync_event (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type, origin,
       occurred_at, payload)
     SELECT decode(md5('event ' || i), 'hex'), decode(md5('record ' || i), 'hex'), 'stripe', 'default', 'invoice',
       made.invoice_id, made.event_id, 'invoice.paid', 'webhook', now(),
       replace(replace(template.text, template.event_id, made.event_id), template.invoice_id, made.invoice_id)
     FROM generate_series(1, $1) AS i
     JOIN unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS template (text, event_id, invoice_id, place)
       ON template.place = i % $5 + 1
     CROSS JOIN LATERAL (SELECT 'evt_' || md5('event ' || i) AS event_id, 'in_' || md5('record ' || i) AS invoice_id)
       AS made`,
    [
      count,
      templates.map(({ text }) => text),
      templates.map(({ eventId }) => eventId),
      templates.map(({ invoiceId }) => invoiceId),
      templates.length,
    ],
  );
  // As they would be found in a table that has been there for a while.
  await database.sql('ANALYZE sync_event, invoice_copy');
}

/** As a worker leaves them that has claimed all of these records. */
export async function claimAll(database) {
  await database.sql(
    `INSERT INTO sync_record (record_key, source, connection_id, resource, record_id, starts, lease_token, lease_until)
     SELECT record_key, source, connection_id, resource, record_id, 1, '${LEASE_TOKEN}', now() + interval '1 hour'
     FROM sync_event ORDER BY id`,
  );
  await database.sql('ANALYZE sync_record');
}

export const LEASE_TOKEN = '00000000-0000-4000-8000-000000000000';
