import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const attw = fileURLToPath(new URL('../node_modules/@arethetypeswrong/cli/dist/index.js', import.meta.url));

/**
 * What publint and "Are the types wrong?" have to say about a tarball, its hints too. Nothing is ignored, and
 * `node10`, which knows no exports, is among the resolutions that are tried.
 * @param {string} tarball its path
 * @returns {Promise<string[]>} empty if all is well
 */
export async function lintPackage(tarball) {
  const { buffer, byteOffset, byteLength } = await readFile(tarball);
  const content = buffer.slice(byteOffset, byteOffset + byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: content }, strict: true });
  const hints = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);

  const args = [attw, tarball, '--no-definitely-typed', '--format', 'ascii', '--no-color', '--no-emoji'];
  const wrong = await promisify(execFile)(process.execPath, args).then(
    () => [],
    ({ stdout, stderr }) => [`attw: ${(stdout + stderr).trim()}`],
  );
  return [...hints, ...wrong];
}
