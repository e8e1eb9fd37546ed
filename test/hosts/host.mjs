import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from '../../tools/npm.mjs';
import { CommandError, run } from './commands.mjs';
import { layOut } from './layout.mjs';
import { nestNew } from './nest-new.mjs';

const install = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-package-lock',
  '--no-audit',
  '--no-fund',
];

/**
 * Makes a host, installs the package from the tarball into it, compiles it and runs its tests.
 * @returns {Promise<{ report: object, about: string }>} what jest reports, and the versions that it ran with
 * @throws CommandError what failed, and what was said; with the `report`, if it came so far
 */
export async function tryHost(host, { folder, tarball, databaseUrl }) {
  await (host.cli ? nestNew : layOut)(host, folder, tarball);
  await run([...npm, ...install], { cwd: folder });
  await run(host.cli ? [...npm, 'run', 'build'] : program(folder, 'typescript', 'bin/tsc'), { cwd: folder });

  const reportFile = join(folder, 'report.json');
  const env = { DATABASE_URL: databaseUrl };
  const failure = await run(testsOf(host, folder, reportFile), { cwd: folder, env }).catch((error) => error);
  const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
  if (failure instanceof CommandError) throw Object.assign(failure, { report });
  if (!report?.numPassedTests) throw new CommandError('it has run no test');
  return { report, about: versionsIn(folder) };
}

/** The host's own way of testing, with a report. */
function testsOf({ cli, format }, folder, reportFile) {
  const report = `--outputFile=${reportFile}`;
  // The generated settings leave a test 5 s, and here others are at work beside it.
  if (cli === 12) {
    const patience = ['--testTimeout=60000', '--hookTimeout=60000'];
    return [
      ...program(folder, 'vitest', 'vitest.mjs'),
      'run',
      '--reporter=json',
      '--reporter=default',
      report,
      ...patience,
    ];
  }
  const [node, jest] = program(folder, 'jest', 'bin/jest.js');
  const esm = format === 'esm' ? ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'] : [];
  return [node, ...esm, jest, '--json', report, '--testTimeout=60000', '--maxWorkers=1'];
}

function program(folder, name, path) {
  return [process.execPath, join(folder, 'node_modules', name, path)];
}

function versionsIn(folder) {
  const names = { nest: '@nestjs/core', typeorm: 'typeorm', typescript: 'typescript' };
  const versions = Object.entries(names).map(([word, name]) => {
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    return `${word} ${JSON.parse(manifest).version}`;
  });
  return versions.join(', ');
}
