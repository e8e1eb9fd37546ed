import type { Happening } from './happenings.js';
import { failing } from './copies.js';
import { startHost, until, type Host, type HostOptions } from './host.js';
import { Mishaps } from './mishaps.js';
import type { Party } from './parties.js';
import { noPassRuns, travel } from './scenario.js';

/** Nobody is asked too often, and what fails is tried as often as it takes, soon. */
export const patient = {
  start: 'log',
  poll: { everyMs: 600_000, fastestMs: 600_000 },
  maxAttempts: 100_000,
  backoffMs: () => 10,
} as const;

/** It may be that it never comes: the source is paused, say. */
function atMost(ms: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, ms))]);
}

/** Two processes of an application, the parties that it listens to, and one time for all. */
export class World {
  /** What happens when so many more steps have been taken. */
  private later: { left: number; work: () => void }[] = [];
  private process = 0;

  private constructor(
    readonly hosts: readonly [Host, Host],
    readonly parties: readonly Party[],
    private readonly mishaps: Mishaps,
  ) {}

  /** @param optionsOf for each process its own: connectors are not shared */
  static async of(optionsOf: () => HostOptions, partiesOf: (host: Host) => Party[]): Promise<World> {
    const host = await startHost(optionsOf());
    const beside = await startHost({ ...optionsOf(), beside: host });
    const parties = partiesOf(host);
    parties.forEach((party) => party.deliverTo(host.url));
    return new World([host, beside], parties, await Mishaps.of(host));
  }

  async close(): Promise<void> {
    await this.mishaps.close();
    for (const host of [...this.hosts].reverse()) await host.close();
  }

  /** Time goes by for all, so that what waits for a later time has it. */
  wait(ms: number): void {
    for (const host of this.hosts) travel(host, ms);
    for (const { clock } of this.parties) clock.offsetMs += ms;
  }

  async patiently(condition: () => Promise<boolean>): Promise<void> {
    await until(async () => {
      if (await condition().catch(() => false)) return true;
      this.wait(200);
      return false;
    });
  }

  /** Sessions were killed, which the first who uses one of them is told. */
  async surely<T>(ask: () => Promise<T>): Promise<T> {
    let answer!: T;
    await this.patiently(async () => {
      answer = await ask();
      return true;
    });
    return answer;
  }

  /** Does something when so many more steps have been taken, or at the end of the history. */
  after(steps: number, work: () => void): void {
    this.later.push({ left: steps, work });
  }

  /** Another step, or the end, at which all is done that was to be done later. */
  passed(end: boolean): void {
    this.later.forEach((each) => (each.left -= 1));
    const due = this.later.filter(({ left }) => end || left <= 0);
    this.later = this.later.filter((each) => !due.includes(each));
    due.forEach(({ work }) => work());
  }

  async take(next: Happening): Promise<void> {
    const [{ sync }] = this.hosts;
    switch (next.do) {
      case 'fail':
        failing.calls += next.times;
        return;
      case 'limit':
        return this.party(next.source).limit(next.calls);
      case 'outage':
        this.party(next.source).faults.outage = next.on;
        return;
      case 'drop':
        this.party(next.source).faults.dropRate = next.on ? 0.5 : 0;
        return;
      case 'pause':
        await sync[next.on ? 'pause' : 'resume']({ source: next.source }).catch(() => undefined);
        return;
      case 'rest':
        return new Promise((resolve) => setTimeout(resolve, next.ms));
      case 'time passes':
        await atMost(
          100,
          this.flush().then(() => sync.idle()),
        );
        // Longer than any lag that is reckoned with.
        return this.wait(40_000);
      case 'poll':
        await sync.poll({ source: next.source }).catch(() => undefined);
        return;
      case 'backfill':
        await sync.backfill({ source: next.source }).catch(() => undefined);
        return;
      case 'slow listing':
        return this.listSlowly(next.source, next.steps);
      case 'other process':
        this.process = 1 - this.process;
        return this.parties.forEach((party) => party.deliverTo(this.hosts[this.process]!.url));
      case 'expire':
      case 'steal':
      case 'kill':
        await this.mishaps[next.do]().catch(() => undefined);
    }
  }

  /** Nothing goes wrong any more. */
  async calm(): Promise<void> {
    failing.calls = 0;
    for (const { source, faults } of this.parties) {
      faults.clear();
      await this.surely(() => this.hosts[0].sync.resume({ source }));
    }
  }

  /** Until all that has happened is known, and nothing is left to be done about it. */
  async settle(): Promise<void> {
    const [host] = this.hosts;
    await this.flush();
    for (const { source } of this.parties)
      await this.patiently(async () => (await host.sync.poll({ source })).some(({ atEnd }) => atEnd));
    const none = async (query: string) => (await host.sql(query)).length === 0;
    await this.patiently(() => none(`SELECT FROM sync_run WHERE state = 'running' LIMIT 1`));
    const done = () => none(`SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1`);
    await this.patiently(async () => {
      if (!(await done())) return false;
      // One that has lost its lease may still write elsewhere.
      await Promise.all(this.hosts.map(noPassRuns));
      return done();
    });
  }

  async reconcile(source: string) {
    // What came within the last minutes would count as being on its way.
    this.wait(600_000);
    const run = await this.surely(() => this.hosts[0].sync.reconcile({ source }));
    await this.patiently(async () => (await run.report()).finishedAt !== null);
    return this.surely(() => run.report());
  }

  /** Its first page arrives when what it says is long past. */
  private async listSlowly(source: string, steps: number): Promise<void> {
    const page = this.party(source).holdListing();
    this.after(steps, () => page.release());
    await this.hosts[0].sync.backfill({ source }).catch(() => undefined);
    await atMost(150, page.reached);
  }

  private async flush(): Promise<void> {
    for (const party of this.parties) await party.flush();
  }

  private party(name: string): Party {
    return this.parties.find(({ source }) => source === name)!;
  }
}
