/**
 * The applications that the package is installed into. Versions are ranges, as in an application made today: what
 * breaks with a new release of somebody else's is to be found here before its users find it.
 *
 * - `format`: of the application. `jest`: what compiles its tests. `module`, `moduleResolution`: of its tsconfig.
 * - `libCheck`: the types of all packages are checked too, which takes as long as all the rest of the compiler's work.
 * - `seams`: it has @nestjs/config and @nestjs/swagger too. `bare`: it has none of our optional peers but the driver.
 * - `oldest`: it has the oldest version of every peer that our package.json allows.
 * - `cli`: it is what `nest new` of that version makes.
 */
const ts5 = '^5.9.0';
const ts6 = '^6.0.0';
const ts7 = '^7.0.0';

const bundler = { module: 'commonjs', moduleResolution: 'bundler' };
const node10 = { module: 'commonjs', moduleResolution: 'node10' };

const matrix = [
  { nest: 11, platform: 'express', format: 'cjs', jest: 'ts-jest', typescript: ts5, module: 'nodenext' },
  { nest: 11, platform: 'fastify', format: 'cjs', jest: 'swc', typescript: ts5, module: 'node16' },
  { nest: 11, platform: 'express', format: 'esm', jest: 'swc', typescript: ts6, module: 'nodenext' },
  { nest: 11, platform: 'fastify', format: 'esm', jest: 'ts-jest', typescript: ts5, module: 'nodenext' },
  { nest: 12, platform: 'express', format: 'cjs', jest: 'swc', typescript: ts6, module: 'nodenext' },
  { nest: 12, platform: 'fastify', format: 'cjs', jest: 'swc', typescript: ts6, ...bundler },
  { nest: 12, platform: 'express', format: 'esm', jest: 'swc', typescript: ts6, module: 'nodenext' },
  { nest: 12, platform: 'fastify', format: 'esm', jest: 'swc', typescript: ts7, module: 'nodenext' },
];

const old = { ...matrix[0], ...node10, libCheck: true };

export const hosts = [
  ...matrix.map((host) => ({
    name: `nest-${host.nest}-${host.platform}-${host.format}`,
    libCheck: host.platform === 'express',
    seams: host.platform === 'express',
    ...host,
  })),
  { name: 'nest-11-node10', ...old },
  { name: 'oldest-peers', ...old, nest: 10, oldest: true },
  { name: 'nest-10-fastify-cjs', ...matrix[1], nest: 10 },
  { name: 'no-optional-peers', ...old, bare: true },
  { name: 'nest-new-11', cli: 11 },
  { name: 'nest-new-12', cli: 12 },
];

/** What cannot work, whoever wrote the library. */
export const impossible = [
  'Nest 12 under a jest that loads CommonJS and leaves node_modules as they are: Nest 12 is ESM only, and jest requires ' +
    'ESM from Node 24.9 on. The CommonJS hosts on Nest 12 have those packages compiled by swc.',
  'Nest 12 in a CommonJS application on `module: node16`: TypeScript refuses to require ESM there (TS1479).',
];
