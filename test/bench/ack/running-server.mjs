import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { quiet, spending, spent } from '../machine.mjs';

export const CONNECTIONS = 64;
const SECRET = 'whsec_bench';
const RAMP_MS = 300;

/** One variant in a process of its own, with all that was measured of it. */
export class RunningServer {
  static async start(variant, databases, generator, profileFolder) {
    const { name, module, options, path, table } = variant;
    const database = table ? await databases.create() : undefined;
    const serve = fileURLToPath(new URL('servers/serve.mjs', import.meta.url));
    const child = startChild(serve, [module], {
      profileFolder: module === 'hybrid-sync' ? profileFolder : undefined,
    });
    const { port } = await child.ask('boot', { ...options, secret: SECRET, databaseUrl: database?.url });
    return Object.assign(new RunningServer(), {
      name,
      path,
      table,
      database,
      databases,
      port,
      child,
      generator,
    });
  }

  saturated = [];
  paced = [];
  bodyBytes = 0;
  peakRssMb = NaN;
  /** What it is expected to answer at most. */
  #perSecond = 6_000;
  #accepted = 0;

  async warmUp(countedMs) {
    await this.#load('saturate', { rampMs: 0, countedMs });
  }

  /** At its limit, then at half of that. @returns what is wrong with it */
  async measure(countedMs) {
    const limit = await this.#load('saturate', { rampMs: RAMP_MS, countedMs });
    const problems = await this.#check('at its limit', limit);
    const half = await this.#load('pace', { rampMs: RAMP_MS, countedMs, perSecond: limit.perSecond / 2 });
    problems.push(...(await this.#check('at half load', half)));
    this.saturated.push(limit);
    this.paced.push(half);
    return problems;
  }

  async readPeakRss() {
    this.peakRssMb = (await this.child.ask('usage')).peakRssMb;
  }

  async #load(phase, params) {
    const seconds = (params.rampMs + params.countedMs) / 1_000;
    const count = Math.ceil((params.perSecond ?? this.#perSecond * 1.5) * seconds * 1.15) + 500;
    this.bodyBytes = await this.generator.ask('prepare', { count, path: this.path, secret: SECRET });
    await this.generator.ask('connect', { port: this.port, count: CONNECTIONS });
    await quiet();
    const both = [this.child, this.generator];
    const before = await spent(both, this.databases);
    const result = await this.generator.ask(phase, params);
    const after = await spent(both, this.databases);
    await this.generator.ask('disconnect');
    await this.child.ask('settled');

    this.#accepted += result.accepted;
    if (phase === 'saturate') this.#perSecond = result.perSecond;
    return { ...result, ...spending(before, after, result.accepted) };
  }

  async #check(when, { refused }) {
    const problems = Object.entries(refused).map(
      ([status, n]) => `${this.name}, ${when}: ${n} times ${status}`,
    );
    if (!this.table) return problems;
    const rows = await this.database.count(this.table);
    if (rows !== this.#accepted)
      problems.push(`${this.name}, ${when}: ${this.#accepted} accepted so far, ${rows} stored`);
    return problems;
  }
}
