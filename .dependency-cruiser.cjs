/**
 * Which file may import which. Folders stand in the order in which an event travels, and imports run one way; types
 * count like everything else. See CONTRIBUTING.md.
 */
const { peerDependenciesMeta } = require('./package.json');

/**
 * Each folder, and those that it may import besides itself and the leaves.
 * @type {[string, string[]][]}
 */
const order = [
  ['model', []],
  ['entities', ['model']],
  ['database', ['model', 'entities']],
  ['observe', ['model', 'entities', 'database']],
  ['inbox', ['model', 'entities', 'database', 'observe']],
  ['hydrate', ['model', 'entities', 'database', 'observe']],
  ['handlers', ['model', 'entities', 'database', 'observe']],
  ['process', ['model', 'entities', 'database', 'observe', 'inbox', 'hydrate', 'handlers']],
  ['dispatch', ['model', 'entities', 'database', 'observe', 'inbox', 'hydrate', 'handlers', 'process']],
  [
    'ingest',
    ['model', 'entities', 'database', 'observe', 'inbox', 'hydrate', 'handlers', 'process', 'dispatch'],
  ],
];

/** Files in lib/ itself that every folder but model/ may import. */
const leaves = '^lib/sync\\.(errors|options|source\\.options|clock|package)\\.ts$';

/** The type of an option that is a function of a handler's context. */
const aroundType = '^lib/handlers/around\\.ts$';

/** The packages that a connector speaks to its provider with. */
const providers = { salesforce: ['jsforce', 'fast-xml-parser'], stripe: ['stripe'] };

const folder = (name) => `^lib/${name}/`;
const packages = (names) => `(^|/)node_modules/(${names.join('|')})/`;
const crypto = '^(node:)?crypto$';
const anyPackage = ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

const oneWay = order.map(([name, others]) => ({
  name: `one-way-${name}`,
  comment: `${name}/ may import ${[...others, 'itself', 'sync.errors, sync.options, sync.source.options, sync.clock'].join(', ')}.`,
  severity: 'error',
  from: { path: folder(name) },
  to: { path: '^lib/', pathNot: [folder(name), ...others.map(folder), leaves] },
}));

const connectorPackages = (name, from, pathNot) => ({
  name,
  comment: 'A connector imports no package but the one that it speaks to its provider with.',
  severity: 'error',
  from,
  to: { dependencyTypes: anyPackage, ...(pathNot && { pathNot }) },
});

const connectors = [
  ...Object.entries(providers).map(([name, own]) =>
    connectorPackages(`connector-packages-${name}`, { path: folder(`connectors/${name}`) }, packages(own)),
  ),
  connectorPackages('connector-packages', {
    path: '^lib/connectors/',
    pathNot: folder(`connectors/(${Object.keys(providers).join('|')})`),
  }),
];

/** Where what an optional peer is needed for stands, if anywhere. */
const homes = {
  ...Object.fromEntries(
    Object.entries(providers).flatMap(([name, own]) => own.map((peer) => [peer, `connectors/${name}`])),
  ),
  bull: 'dispatch/bull',
  '@nestjs/bull': 'dispatch/bull',
  bullmq: 'dispatch/bullmq',
  '@nestjs/bullmq': 'dispatch/bullmq',
};

/** Entry points of their own. */
const apart = [folder('connectors'), folder('testing'), folder('dispatch/bull'), folder('dispatch/bullmq')];

const optionalPeers = Object.keys(peerDependenciesMeta);

const optional = optionalPeers.map((peer) => ({
  name: `optional-peer-${peer}`,
  comment: `An application that does not use ${peer} has not installed it: only what it is for may import it.`,
  severity: 'error',
  from: { path: '^lib/', ...(homes[peer] && { pathNot: folder(homes[peer]) }) },
  to: { path: packages([peer]) },
}));

module.exports = {
  forbidden: [
    ...oneWay,
    {
      name: 'model-is-pure',
      comment:
        'model/ knows no framework, no database and no platform: pure types and functions, and node:crypto.',
      severity: 'error',
      from: { path: folder('model') },
      to: { pathNot: [folder('model'), crypto] },
    },
    {
      name: 'leaves-import-model-only',
      comment: 'Any folder may import sync.errors, the options and sync.clock, so they import only model/ …',
      severity: 'error',
      from: { path: leaves },
      to: { path: '^lib/', pathNot: [folder('model'), leaves, aroundType] },
    },
    {
      name: 'leaves-import-around-as-a-type',
      comment: '… and the type of the option around, …',
      severity: 'error',
      from: { path: leaves },
      to: { path: aroundType, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'leaves-import-types-only',
      comment: '… and of packages only types (sync.clock is injectable, which takes Nest).',
      severity: 'error',
      from: { path: leaves },
      to: {
        dependencyTypes: anyPackage,
        dependencyTypesNot: ['type-only'],
        pathNot: packages(['@nestjs/common']),
      },
    },
    {
      name: 'connector-imports',
      comment:
        'A connector imports itself, model/, sync.errors, sync.package, sync.options and the decorators of handlers/.',
      severity: 'error',
      from: { path: '^lib/connectors/([^/]+)/' },
      to: {
        path: '^lib/',
        pathNot: [
          '^lib/connectors/$1/',
          folder('model'),
          folder('handlers'),
          '^lib/sync\\.(errors|options|source\\.options|package)\\.ts$',
        ],
      },
    },
    {
      name: 'connector-imports-types-only',
      comment: 'Of sync.options and of what is no decorator in handlers/, a connector imports only types.',
      severity: 'error',
      from: { path: '^lib/connectors/' },
      to: {
        path: [folder('handlers'), '^lib/sync\\.(source\\.)?options\\.ts$'],
        pathNot: '\\.decorator\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    ...connectors,
    {
      name: 'connector-without-platform',
      comment: 'Of Node itself, a connector imports types and node:crypto.',
      severity: 'error',
      from: { path: '^lib/connectors/' },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'], pathNot: crypto },
    },
    {
      name: 'entry-points-stay-apart',
      comment: 'Entry points of their own: nothing else in lib/ imports them.',
      severity: 'error',
      from: { path: '^lib/', pathNot: apart },
      to: { path: apart },
    },
    {
      name: 'root-is-last',
      comment: 'The files in lib/ itself put the folders together: no folder imports them, except testing/.',
      severity: 'error',
      from: { path: '^lib/[^/]+/', pathNot: folder('testing') },
      to: { path: '^lib/[^/]+\\.ts$', pathNot: leaves },
    },
    ...optional,
    {
      name: 'main-without-optional-peers',
      comment: 'Whoever imports the main entry point needs no optional peer.',
      severity: 'error',
      from: { path: '^lib/index\\.ts$' },
      to: { path: packages(optionalPeers), reachable: true },
    },
    {
      name: 'declared-packages',
      comment:
        'lib/ imports only dependencies and peerDependencies: nothing else is there for who installs it.',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    {
      name: 'inside-lib',
      comment: 'lib/ is built alone: it imports no other folder of the repository, nor itself by name.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { pathNot: ['^lib/', '(^|/)node_modules/'], dependencyTypesNot: ['core'], couldNotResolve: false },
    },
    {
      name: 'no-cycles',
      comment: 'Of two files that import each other, one is in the wrong place.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'Nothing is there. Is the package installed, and does the path end in .js?',
      severity: 'error',
      from: { path: '^lib/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^(?!lib/)'] },
  },
};
