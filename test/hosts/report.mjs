import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const counted = ['PassedTests', 'FailedTests', 'RuntimeErrorTestSuites', 'PendingTests', 'TodoTests'];

/**
 * The counts of a host's test report, by jest's names: other test runners write fewer of them. A host that failed
 * without a failed test (it was not installed, did not compile, or a test file could not be loaded) counts as one such file.
 * @param {{ report?: object, error?: Error }} outcome
 */
export function countsOf({ report = {}, error }) {
  const counts = Object.fromEntries(counted.map((name) => [`num${name}`, report[`num${name}`] ?? 0]));
  if (error && counts.numFailedTests === 0) counts.numRuntimeErrorTestSuites ||= 1;
  return counts;
}

/** One line for a host; what it said too, if it failed. */
export function tell({ name }, { about = '', error }, counts, tookMs) {
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  const cells = [
    error ? 'FAIL' : 'ok  ',
    name.padEnd(20),
    `${(tookMs / 1000).toFixed(1).padStart(5)} s`,
    `${counts.numPassedTests} passed, ${failed} failed`,
    about,
  ];
  console.log(cells.join('  ').trimEnd());
  if (error) console.error(error.message.replaceAll(/^/gm, '      '));
}

/** For tools/print-counts.mjs. */
export function keep(folder, { name }, counts) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `hosts-${name}.json`), JSON.stringify(counts));
}
