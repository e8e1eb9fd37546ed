import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readmePrograms } from '../support/readme-programs.mjs';
import { dependenciesOf } from './dependencies.mjs';
import { jestConfigOf, tsconfigOf } from './settings.mjs';

const template = fileURLToPath(new URL('template', import.meta.url));

/** Writes an application of the table: its settings, its sources, and the README's programs beside them. */
export function layOut(host, folder, tarball) {
  const json = {
    'package.json': {
      name: host.name,
      private: true,
      type: host.format === 'esm' ? 'module' : 'commonjs',
      ...dependenciesOf(host, tarball),
    },
    'tsconfig.json': tsconfigOf(host),
    'jest.config.json': jestConfigOf(host),
  };
  for (const [path, value] of Object.entries(json)) write(folder, path, JSON.stringify(value, null, 2));
  writeSources(host, folder);
}

/** The sources alone, for an application that has its settings already. */
export function writeSources({ platform, format, seams, bare }, folder) {
  const sources = new Map();
  for (const part of [bare ? 'bare' : 'src', 'database', platform, ...(seams ? ['seams'] : [])])
    for (const name of readdirSync(join(template, part)))
      sources.set(name, readFileSync(join(template, part, name), 'utf8'));
  if (!bare) for (const [name, code] of readmePrograms()) sources.set(`readme/${name}`, code);
  for (const [name, code] of sources)
    write(folder, `src/${name}`, format === 'esm' ? withEndings(code) : code);
}

/** As an ES module has to write them. */
function withEndings(code) {
  return code.replaceAll(/(?<=from '\.{1,2}\/[^']+)(?=')/g, '.js');
}

function write(folder, path, text) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
