import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.mjs';

/**
 * Packs the package as `npm publish` would. Needs a build.
 * @param {string} folder where the tarball is put
 * @returns {{ tarball: string, files: string[] }} its path, and the paths in it
 */
export function pack(folder) {
  const [command, ...args] = npm;
  const report = execFileSync(command, [...args, 'pack', '--json', '--pack-destination', folder], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, files }] = JSON.parse(report);
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}
