/** graphile-worker in a process of its own, whose task writes the same row in a transaction. Works off its jobs when told to. */
import { Logger, run, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { answer } from '../child.mjs';
import { upsertOf } from './upsert.mjs';

const logger = new Logger(() => () => undefined);

let pool;
let concurrency;
answer({
  async boot({ databaseUrl, transactions }) {
    concurrency = transactions;
    pool = new pg.Pool({ connectionString: databaseUrl, max: transactions + 2 });
    await runMigrations({ pgPool: pool, logger });
  },

  /** So many jobs, each with an event. */
  async fill({ count, templates }) {
    await pool.query('DELETE FROM graphile_worker._private_jobs');
    await pool.query(
      `SELECT count(graphile_worker.add_job('save', replace(replace(template.text, template.event_id,
         'evt_' || md5('event ' || i)), template.invoice_id, 'in_' || md5('record ' || i))::json))
       FROM generate_series(1, $1) AS i
       JOIN unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS template (text, event_id, invoice_id, place)
         ON template.place = i % $5 + 1`,
      [
        count,
        templates.map(({ text }) => text),
        templates.map(({ eventId }) => eventId),
        templates.map(({ invoiceId }) => invoiceId),
        templates.length,
      ],
    );
    await pool.query('ANALYZE graphile_worker._private_jobs');
  },

  /** Until every job is done. */
  async run({ count }) {
    const startedAt = performance.now();
    let done = 0;
    let finish;
    const finished = new Promise((resolve) => (finish = resolve));
    const save = (event, { withPgClient }) =>
      withPgClient(async (client) => {
        await client.query('BEGIN');
        await client.query(...upsertOf(event.data.object, event.id));
        await client.query('COMMIT');
      });
    const runner = await run({
      pgPool: pool,
      concurrency,
      noHandleSignals: true,
      logger,
      taskList: { save },
    });
    runner.events.on('job:complete', () => ++done === count && finish());
    await finished;
    const ms = performance.now() - startedAt;
    await runner.stop();
    return ms;
  },

  async left() {
    const { rows } = await pool.query('SELECT count(*)::int AS jobs FROM graphile_worker._private_jobs');
    return rows[0].jobs;
  },
});
