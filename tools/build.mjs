/** Builds dist/cjs and dist/esm, and checks that everything package.json points to has been built. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const formats = [
  { folder: 'dist/cjs', config: 'tsconfig.json', type: 'commonjs' },
  { folder: 'dist/esm', config: 'tsconfig.esm.json', type: 'module' },
];

await rm(join(root, 'dist'), { recursive: true, force: true });
const results = await Promise.all(formats.map(({ config }) => compile(config)));
// Both formats come from the same sources: mostly they fail alike.
const failures = new Set(results.filter(({ failed }) => failed).map(({ output }) => output));
if (failures.size > 0) fail([...failures].join('\n'));

for (const { folder, type } of formats) {
  await writeFile(join(root, folder, 'package.json'), JSON.stringify({ type }) + '\n');
}

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const { main, types, exports, typesVersions } = manifest;
const missing = paths({ main, types, exports, typesVersions }).filter(
  (path) => !existsSync(join(root, path)),
);
if (missing.length > 0) fail(`package.json points to what has not been built:\n  ${missing.join('\n  ')}`);

function compile(config) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [
      tsc,
      '-p',
      join(root, config),
      '--pretty',
      process.stdout.isTTY ? 'true' : 'false',
    ]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.once('close', (code) => resolve({ failed: code !== 0, output: output.trim() }));
  });
}

function paths(value) {
  if (typeof value === 'string') return value.startsWith('./dist/') ? [value] : [];
  return [...new Set(Object.values(value).flatMap(paths))];
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
