import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LEASE_TOKEN } from './preload.mjs';

const upsert = `INSERT INTO invoice_copy (id, customer, status, amount_due, event_id)
  VALUES ('in_' || :id, 'cus_c0WyyHbiQzSU8P', 'paid', 2500, 'evt_' || :id)
  ON CONFLICT (id) DO UPDATE SET customer = EXCLUDED.customer, status = EXCLUDED.status,
    amount_due = EXCLUDED.amount_due, event_id = EXCLUDED.event_id;`;

/** Each transaction takes the next event. */
export const scripts = {
  /** The least with which a one-row write happens once: the event's own row is fence and mark in one. */
  least: `
BEGIN;
SELECT nextval('bench_turn') AS id \\gset
UPDATE sync_event SET state = 'completed', settled_at = now() WHERE id = :id AND state = 'waiting';
${upsert}
COMMIT;`,

  /** All that a pass does in its transaction. */
  same: `
SELECT nextval('bench_turn') AS id \\gset
BEGIN;
UPDATE sync_record SET tx_token = '${LEASE_TOKEN}', lease_until = now() + interval '60000 milliseconds'
  WHERE record_key = decode(md5('record ' || :id), 'hex') AND lease_token = '${LEASE_TOKEN}';
${upsert}
UPDATE sync_record SET starts = 0, newest_event_at = GREATEST(newest_event_at, now()),
  delivered_at = GREATEST(delivered_at, now()), ignored_at = NULL, lease_token = NULL, lease_until = NULL WHERE record_key = decode(md5('record ' || :id), 'hex') AND tx_token = '${LEASE_TOKEN}';
UPDATE sync_event SET state = 'completed', late = false, succeeded_by = '["Billing.save"]', settled_at = now()
  WHERE id = :id AND COALESCE(state, '') = 'waiting';
COMMIT;`,
};

/** The path of the program; undefined: it is not installed. */
export async function findPgbench() {
  const debian = '/usr/lib/postgresql';
  const versions = await readdir(debian).catch(() => []);
  const candidates = ['pgbench', ...versions.map((version) => join(debian, version, 'bin/pgbench'))];
  return candidates.find((path) => spawnSync(path, ['--version']).status === 0);
}

/** Runs a script over events 1 to `count`. @returns how many a second */
export async function runPgbench(program, url, script, { count, clients }) {
  const folder = await mkdtemp(join(tmpdir(), 'hybrid-sync-bench-'));
  try {
    const file = join(folder, 'script.sql');
    await writeFile(file, script);
    const { password, ...rest } = withoutPassword(url);
    const args = ['--no-vacuum', '--protocol=prepared', `--client=${clients}`, '--jobs=2'];
    const { stdout } = await promisify(execFile)(
      program,
      [...args, `--transactions=${count / clients}`, `--file=${file}`, rest.url],
      { env: { ...process.env, ...(password && { PGPASSWORD: password }) } },
    );
    const found = /^tps = ([\d.]+) \((without|excluding)/m.exec(stdout);
    if (!found) throw new Error(`pgbench says: ${stdout}`);
    return Number(found[1]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Arguments can be read by everyone on the machine. */
function withoutPassword(text) {
  const url = new URL(text);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { url: url.href, password };
}
