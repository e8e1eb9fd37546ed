import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @type {typeof import('./readme-programs.mjs').readmePrograms} */
export function readmePrograms() {
  return programsIn(readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8'));
}

/** @type {typeof import('./readme-programs.mjs').programsIn} */
export function programsIn(page) {
  const blocks = page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name, code]) => [name, code]));
}
