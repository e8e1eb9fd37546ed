/**
 * Installs the packed package into fresh applications, and runs their own tests: `npm run test:hosts`. Needs a build.
 *
 * `npm run test:hosts -- 12-express new` those whose name contains one of the words; `--keep` leaves the applications
 * where they were made; `--reports <folder>` writes the counts of each there.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from '../../tools/pack.mjs';
import { startPostgres } from '../../tools/postgres/index.mjs';
import { createDatabase } from './databases.mjs';
import { tryHost } from './host.mjs';
import { hosts, impossible } from './hosts.mjs';
import { countsOf, keep, tell } from './report.mjs';

/** Installing waits for the disk, compiling and testing for a core. */
const AT_ONCE = 2;

const { values, positionals } = parseArgs({
  options: { keep: { type: 'boolean' }, reports: { type: 'string' } },
  allowPositionals: true,
});
const chosen = hosts.filter(
  ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
if (chosen.length === 0) {
  console.error(`no host has such a name: ${hosts.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
const root = realpathSync(mkdtempSync(join(tmpdir(), 'hosts-')));
const postgres = await startPostgres({ durable: false });
let failed = 0;
try {
  const { tarball } = pack(root);
  const waiting = [...chosen];
  const worker = async () => {
    for (let host = waiting.shift(); host; host = waiting.shift()) await account(host, tarball);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  for (const reason of impossible) console.log(`--    not tried: ${reason}`);
} finally {
  await postgres.stop();
  if (!values.keep) rmSync(root, { recursive: true, force: true });
  else console.log(`the applications are in ${root}`);
}
process.exitCode = failed > 0 ? 1 : 0;

async function account(host, tarball) {
  const folder = join(root, host.name);
  const began = performance.now();
  const database = await createDatabase(postgres.url, host.name);
  const given = { folder, tarball, databaseUrl: database.url };
  const outcome = await tryHost(host, given).catch((error) => ({ report: error.report, error }));
  await database.drop();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });

  if (outcome.error) failed += 1;
  const counts = countsOf(outcome);
  tell(host, outcome, counts, performance.now() - began);
  if (values.reports) keep(values.reports, host, counts);
}
