import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { npm } from '../../tools/npm.mjs';
import { run } from './commands.mjs';
import { additionsFor } from './dependencies.mjs';
import { writeSources } from './layout.mjs';

/** Formats and lints its sources, which takes half of the installation and tells nothing about us. */
const dispensable = /eslint|oxlint|prettier|^globals$|^@nestjs\/mau$|^@vitest\/coverage|supertest/;

/** Has `nest new` make an application, and adds to it what the README says to add, with the sources of the table's hosts. */
export async function nestNew({ cli }, folder, tarball) {
  const cliCommand = [...npm, 'exec', '--yes', '--prefer-offline', '--', `@nestjs/cli@${cli}`];
  const answers = ['--language', 'TypeScript', '--package-manager', 'npm', '--skip-git', '--skip-install'];
  if (cli === 12) answers.push('--no-observe');
  const place = ['--directory', basename(folder)];
  await run([...cliCommand, 'new', 'application', ...place, ...answers], { cwd: dirname(folder) });

  const path = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  Object.assign(manifest.dependencies, additionsFor(cli, tarball));
  for (const name of Object.keys(manifest.devDependencies))
    if (dispensable.test(name)) delete manifest.devDependencies[name];
  writeFileSync(path, JSON.stringify(manifest, null, 2));
  writeSources({ platform: 'express', format: manifest.type === 'module' ? 'esm' : 'cjs' }, folder);
}
