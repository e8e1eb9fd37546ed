/**
 * Packs the package as `npm publish` would, lays it into an application in a temporary folder, and checks there what its
 * users rely on: its contents, what publint and "Are the types wrong?" say, that every entry point loads by import and
 * by require as one and the same, that those for everybody need no optional peer, neither to load nor to compile,
 * and that the types hold under every module resolution. Needs a build. Real applications follow in test/hosts.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { lintPackage } from './lint-package.mjs';
import { pack } from './pack.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => manifest.name + path.slice(1));
const optional = Object.keys(manifest.peerDependenciesMeta);
/** Those that are not named by an optional peer must do without any. */
const independent = entries.filter((entry) => !optional.includes(entry.split('/').at(-1)));

const host = realpathSync(mkdtempSync(join(tmpdir(), 'package-check-')));
const problems = [];
try {
  const { tarball, files } = pack(host);
  checkContents(files);
  problems.push(...(await lintPackage(tarball)));
  unpack(tarball);
  linkPackages((name) => !optional.includes(name));
  checkLoads(independent);
  checkTypes(independent);
  linkPackages((name) => optional.includes(name));
  checkLoads(entries);
  checkTypes(entries);
  if (problems.length === 0) console.log(`package: ${files.length} files, ${entries.join(', ')}: right`);
} finally {
  rmSync(host, { recursive: true, force: true });
}
for (const problem of problems) console.error(`package: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

function unpack(tarball) {
  const target = join(host, 'node_modules', manifest.name);
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
}

function checkContents(packed) {
  const wanted = [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs')).map((page) => `docs/${page}`),
    'dist/cjs/package.json',
    'dist/esm/package.json',
  ];
  for (const path of wanted) if (!packed.includes(path)) problems.push(`${path} is missing`);
  for (const path of packed) {
    if (wanted.includes(path)) continue;
    const [, format, file] = /^dist\/(cjs|esm)\/(.+\.(?:js|d\.ts|js\.map))$/.exec(path) ?? [];
    if (!file) problems.push(`${path} does not belong in it`);
    else if (!packed.includes(`dist/${format === 'cjs' ? 'esm' : 'cjs'}/${file}`))
      problems.push(`${path} is in one format only`);
  }
}

/** Gives the host the packages that the library asks for, as npm would. */
function linkPackages(wanted) {
  const types = readdirSync(join(root, 'node_modules/@types')).map((name) => `@types/${name}`);
  for (const name of [...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), ...types]) {
    const place = join(host, 'node_modules', name);
    if (!wanted(name) || existsSync(place)) continue;
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), place, 'junction');
  }
}

/** In a plain node process: both ways give the same objects, and the build for CommonJS exports the same names. */
function checkLoads(names) {
  const program = join(host, 'load.cjs');
  writeFileSync(
    program,
    `
    (async () => {
      for (const name of ${JSON.stringify(names)}) {
        const required = require(name);
        const imported = await import(name);
        const { exports } = require('${manifest.name}/package.json');
        const path = exports['.' + name.slice('${manifest.name}'.length)].require.default;
        const commonjs = require(require('node:path').resolve('node_modules/${manifest.name}', path));
        const keys = Object.keys(imported);
        if (keys.length === 0) console.log(name + ' exports nothing');
        for (const key of keys) {
          if (required[key] !== imported[key]) console.log(name + ': two different ' + key + ' by import and by require');
          if (!(key in commonjs)) console.log(name + ': no ' + key + ' in the build for CommonJS');
        }
      }
    })().catch((error) => console.log(error.stack));
  `,
  );
  const said = execFileSync(process.execPath, [program], { cwd: host, encoding: 'utf8' }).trim();
  if (said) problems.push(said);
}

function checkTypes(names) {
  const { ModuleKind: module, ModuleResolutionKind: moduleResolution } = ts;
  const settings = {
    'require.cts': { module: module.Node20 },
    'import.mts': { module: module.Node20 },
    'bundler.ts': { module: module.ESNext, moduleResolution: moduleResolution.Bundler },
    'node10.ts': {
      module: module.CommonJS,
      moduleResolution: moduleResolution.Node10,
      ignoreDeprecations: '6.0',
    },
  };
  for (const [name, options] of Object.entries(settings)) {
    const path = join(host, name);
    writeFileSync(
      path,
      names.map((entry, index) => `import * as m${index} from '${entry}';\nexport { m${index} };\n`).join(''),
    );
    const program = ts.createProgram([path], {
      ...options,
      strict: true,
      noEmit: true,
      target: ts.ScriptTarget.ES2022,
      experimentalDecorators: true,
      esModuleInterop: true,
      types: ['node'],
      typeRoots: [join(host, 'node_modules/@types')],
    });
    // Only our own files: what other packages' types complain about is theirs.
    for (const file of program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(host))) {
      for (const { messageText } of [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]) {
        const text = ts.flattenDiagnosticMessageText(messageText, ' ');
        problems.push(
          `types, ${name} with ${names.length} entry points: ${file.fileName.slice(host.length + 1)}: ${text}`,
        );
      }
    }
  }
}
