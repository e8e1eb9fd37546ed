import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const readmeText = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

/** @type {typeof import('./readme-programs.mjs').readmePrograms} */
export function readmePrograms() {
  const blocks = readmeText.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name, code]) => [name, code]));
}
