import { Injectable, Module } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import { SyncModule } from 'nestjs-hybrid-sync';
import { SweepScheduler } from '../../lib/dispatch/sweep.scheduler.js';
import { startHost, until, type Host } from '../support/host.js';
import { quick } from '../support/scenario.js';

const EVERY_MS = 50;

@Injectable()
class Jobs {
  /** When each ran. */
  readonly ran: Record<string, number[]> = { cron: [], interval: [], timeout: [] };

  constructor(readonly registry: SchedulerRegistry) {}

  @Cron('* * * * * *', { name: 'cron' })
  cron() {
    this.ran.cron!.push(Date.now());
  }

  @Interval('interval', EVERY_MS)
  interval() {
    this.ran.interval!.push(performance.now());
  }

  @Timeout('timeout', 10)
  timeout() {
    this.ran.timeout!.push(performance.now());
  }
}

@Module({ imports: [ScheduleModule.forRoot()], providers: [Jobs] })
class JobsModule {}

/** Enough of a database for an application that is made and not started. */
@Module({
  providers: [{ provide: getDataSourceToken(), useValue: { options: { type: 'postgres' } } }],
  exports: [getDataSourceToken()],
})
class DatabaseModule {}

function namesIn(registry: SchedulerRegistry): string[] {
  return [...registry.getCronJobs().keys(), ...registry.getIntervals(), ...registry.getTimeouts()];
}

describe("the host's own jobs", () => {
  let host: Host;
  let jobs: Jobs;
  beforeAll(async () => {
    host = await startHost({ ...quick, imports: [JobsModule] });
    jobs = host.app.get(Jobs);
  });
  afterAll(() => host?.close());

  it('fire exactly as often as without the module', async () => {
    const { cron, interval, timeout } = jobs.ran;
    await until(() => cron!.length > 2 && interval!.length > 20);
    // Registered twice, each would run twice in its time.
    const seconds = cron!.map((at) => Math.floor(at / 1_000));
    expect(new Set(seconds).size).toBe(seconds.length);
    const [first, last] = [interval![0]!, interval!.at(-1)!];
    // A timer may be late and never early, but for rounding.
    expect(last - first).toBeGreaterThan((interval!.length - 2) * EVERY_MS);
    expect(timeout).toHaveLength(1);
  });

  it("are alone in the host's registry, as the module's are in its own", () => {
    const scheduler = host.app.get(SweepScheduler, { strict: false });
    const { registry } = scheduler as unknown as { registry: SchedulerRegistry };
    expect(namesIn(registry)).toEqual([
      'sweep',
      'renew-leases',
      'stuck',
      'held-back',
      'unhandled',
      'prune',
      'runs',
    ]);
    expect(namesIn(jobs.registry)).toEqual(['cron', 'interval', 'timeout']);
  });

  it.each(['before', 'after'])('are where main.ts looks for them, imported %s the module', async (place) => {
    const nearby = [{ module: DatabaseModule, global: true }, SyncModule.forRoot({ sources: {} })];
    const imports = place === 'before' ? [JobsModule, ...nearby] : [...nearby, JobsModule];
    const testing = await Test.createTestingModule({ imports }).compile();
    expect(testing.get(SchedulerRegistry)).toBe(testing.get(Jobs).registry);
  });
});
