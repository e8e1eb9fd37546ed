import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

function check(files: Record<string, string>): { status: number | null; lines: string[] } {
  const tree = mkdtempSync(join(tmpdir(), 'source-check-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const { status, stderr } = spawnSync(process.execPath, ['tools/check-sources.mjs', tree], {
    encoding: 'utf8',
  });
  rmSync(tree, { recursive: true });
  return { status, lines: stderr.split('\n').filter(Boolean) };
}

describe('the source check', () => {
  it('names every place that reads the clock or rolls dice', () => {
    const { status, lines } = check({
      'lib/inbox/a.service.ts': [
        `const a = new Date();`,
        `const b = [1].map(Date.now);`,
        `const c = Date() + Math.random();`,
        `const fine = new Date(1); // Date.now() in a comment`,
        `const alsoFine = 'new Date()';`,
      ].join('\n'),
    });
    expect(status).toBe(1);
    expect(lines).toEqual([
      'lib/inbox/a.service.ts:1: Date: take time and chance from SyncClock',
      'lib/inbox/a.service.ts:2: Date.now: take time and chance from SyncClock',
      'lib/inbox/a.service.ts:3: Date: take time and chance from SyncClock',
      'lib/inbox/a.service.ts:3: Math.random: take time and chance from SyncClock',
    ]);
  });

  it('names what would set up the schedule of the host, and names that say nothing', () => {
    const { lines } = check({
      'lib/sync.module.ts': `const imports = [ScheduleModule.forRoot()];`,
      'lib/process/pass.helper.ts': '',
      'lib/process/scoreboard.ts': '',
    });
    expect(lines).toEqual([
      'lib/process/pass.helper.ts: "helper" says nothing about what is in the file',
      `lib/sync.module.ts:1: ScheduleModule.forRoot: the host's own jobs would run twice`,
    ]);
  });

  it('leaves the clock itself and the test kit alone', () => {
    const reads = `export const now = () => Date.now() + Math.random();`;
    expect(check({ 'lib/sync.clock.ts': reads, 'lib/testing/clock.ts': reads })).toEqual({
      status: 0,
      lines: [],
    });
  });
});
