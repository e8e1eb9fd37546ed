import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, inOneLine, startServer } from './local-server.mjs';

const MISSING =
  'There is no MariaDB: install it (apt-get install mariadb-server, brew install mariadb), or set MARIADB_URL to a MariaDB ' +
  '(10.6 or newer) or MySQL (8.0) of your own, MARIADB_URL=mysql://root@127.0.0.1:3306 say, with a user who may create databases.';

/**
 * The MariaDB or MySQL of `MARIADB_URL`, or a MariaDB of its own.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startMariaDb() {
  if (process.env.MARIADB_URL) {
    const problem = await problemOf(process.env.MARIADB_URL);
    if (problem) throw inOneLine(`MARIADB_URL names a server that cannot be used (${problem}). ${MISSING}`);
    return { url: process.env.MARIADB_URL, stop: async () => undefined };
  }
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const user = `--user=${userInfo().username}`;
  const data = `--datadir=${join(folder, 'data')}`;
  install(['--no-defaults', user, data, '--auth-root-authentication-method=normal']);
  const url = `mysql://root@127.0.0.1:${port}`;
  const log = join(folder, 'server.log');
  const end = await startServer({
    command: 'mariadbd',
    args: [
      '--no-defaults',
      user,
      data,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--log-error=${log}`,
      `--socket=${join(folder, 'mariadb.sock')}`,
      `--pid-file=${join(folder, 'mariadb.pid')}`,
    ],
    isUp: async () => (await problemOf(url)) === null,
    missing: MISSING,
    said: () => readFileSync(log, 'utf8').split('\n').slice(-3).join(' '),
  });
  await removeNobodies(url);
  const stop = async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

/** @param {string[]} args */
function install(args) {
  try {
    execFileSync('mariadb-install-db', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw inOneLine(error.code === 'ENOENT' ? MISSING : `mariadb-install-db failed: ${error.stderr}`);
  }
}

/** They would be taken for users that tests make. */
async function removeNobodies(url) {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ uri: url });
  await connection.query(`DELETE FROM mysql.global_priv WHERE User = ''`);
  await connection.query('FLUSH PRIVILEGES');
  await connection.end();
}

/** @param {string} url */
async function problemOf(url) {
  const { createConnection } = await import('mysql2/promise');
  try {
    const connection = await createConnection({ uri: url, connectTimeout: 5_000 });
    await connection.end();
    return null;
  } catch (error) {
    return error.code ?? error.message;
  }
}
