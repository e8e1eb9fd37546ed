/** Sees to it that better-sqlite3 can be loaded: its install script is switched off for those who need only Postgres. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { npm } from './npm.mjs';

const require = createRequire(import.meta.url);

function problem() {
  try {
    new (require('better-sqlite3'))(':memory:').close();
    return null;
  } catch (error) {
    return error;
  }
}

if (problem()) {
  const [command, ...first] = npm;
  const args = [...first, 'explore', 'better-sqlite3', '--', 'npm run install'];
  spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
}
const left = problem();
if (left) {
  console.error(
    `better-sqlite3 has no binary for this machine, and it could not be built (${left.message.split('\n')[0]}): install python3, make and a C++ compiler.`,
  );
  process.exit(1);
}
