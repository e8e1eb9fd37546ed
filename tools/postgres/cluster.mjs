import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The data directory in `home`, made on the first start. */
export async function ensureCluster(home, { initdb }, user, durable) {
  const [folder, fresh, passwordFile] = ['cluster', 'cluster.new', 'password'].map((name) =>
    join(home, name),
  );
  if (!existsSync(folder)) {
    await rm(passwordFile, { force: true });
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(passwordFile, randomBytes(16).toString('hex'), { mode: 0o600 });
    if (user.uid !== undefined) {
      await chown(fresh, user.uid, user.gid);
      await chown(passwordFile, user.uid, user.gid);
    }
    const args = [`--pgdata=${fresh}`, `--pwfile=${passwordFile}`, ...settings];
    await run(initdb, durable ? args : [...args, '--no-sync'], { ...user, cwd: home });
    // Under another name until it is whole: an initdb that is killed leaves half of one.
    await rename(fresh, folder);
  }
  return { folder, password: await readFile(passwordFile, 'utf8') };
}

// The built-in locale gives the same order and the same upper case on every machine.
const settings = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

async function run(file, args, options) {
  try {
    await promisify(execFile)(file, args, { ...options, env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    const line = error.stderr?.split('\n').find((text) => /error|fatal/i.test(text));
    throw new Error(`initdb says: ${line ?? error.message.split('\n')[0]}.`, { cause: error });
  }
}
