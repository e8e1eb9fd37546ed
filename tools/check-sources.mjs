/**
 * What the linter has no rule for: in lib/, time and chance come from SyncClock (new Date(value) only converts), no
 * global schedule or queue is set up for the host, and a file's name says what kind of thing is in it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const ownClock = /^lib\/(sync\.clock\.ts|testing\/)/;
const clock = 'take time and chance from SyncClock';
const forbiddenCalls = new Map([
  ['Date', clock],
  ['Date.now', clock],
  ['Math.random', clock],
  ['ScheduleModule.forRoot', "the host's own jobs would run twice"],
  ['BullModule.forRoot', "the host's own queues would be set up twice"],
]);
const emptyNames = /(^|[.-])(managers?|helpers?|utils?|common|base|core|misc)([.-]|$)/;

const findings = readdirSync(join(root, 'lib'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .sort()
  .flatMap((path) => [...badName(path), ...badCalls(path)]);

for (const finding of findings) console.error(finding);
process.exitCode = findings.length > 0 ? 1 : 0;

function badName(path) {
  const word = emptyNames.exec(basename(path, '.ts'))?.[2];
  return word ? [`${path}: "${word}" says nothing about what is in the file`] : [];
}

function badCalls(path) {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest);
  const found = [];
  visit(source);
  return found;

  function visit(node) {
    const called = callOf(node);
    const reason = forbiddenCalls.get(called);
    if (reason && !(reason === clock && ownClock.test(path))) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      found.push(`${path}:${line + 1}: ${called}: ${reason}`);
    }
    ts.forEachChild(node, visit);
  }

  /** `Date.now` also where it is passed on uncalled; `Date` for Date() and for new Date without a value. */
  function callOf(node) {
    if (ts.isPropertyAccessExpression(node)) return node.getText(source);
    const bare = ts.isCallExpression(node) || (ts.isNewExpression(node) && !node.arguments?.length);
    return bare && ts.isIdentifier(node.expression) ? node.expression.text : '';
  }
}
