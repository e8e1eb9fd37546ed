import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { quiet, spending, spent } from '../machine.mjs';

/** Unless a variant has others. */
export const CONNECTIONS = 64;
const SECRET = 'whsec_bench';
const RAMP_MS = 300;

/** One variant in processes of its own, with all that was measured of it. */
export class RunningServer {
  static async start(variant, databases, generator, profileFolder) {
    const { name, module, options, path, table, processes = 1, connections = CONNECTIONS } = variant;
    const database = table ? await databases.create() : undefined;
    const serve = fileURLToPath(new URL('servers/serve.mjs', import.meta.url));
    const children = Array.from({ length: processes }, () =>
      startChild(serve, [module], { profileFolder: module === 'hybrid-sync' ? profileFolder : undefined }),
    );
    const ports = [];
    for (const child of children) {
      const boot = { ...options, secret: SECRET, databaseUrl: database?.url };
      ports.push((await child.ask('boot', boot)).port);
    }
    return Object.assign(new RunningServer(), {
      name,
      path,
      table,
      connections,
      database,
      databases,
      ports,
      children,
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
    const usages = await Promise.all(this.children.map((child) => child.ask('usage')));
    this.peakRssMb = usages.reduce((sum, { peakRssMb }) => sum + peakRssMb, 0);
  }

  async #load(phase, params) {
    const seconds = (params.rampMs + params.countedMs) / 1_000;
    const count = Math.ceil((params.perSecond ?? this.#perSecond * 1.5) * seconds * 1.15) + 500;
    this.bodyBytes = await this.generator.ask('prepare', { count, path: this.path, secret: SECRET });
    await this.generator.ask('connect', { ports: this.ports, count: this.connections });
    await quiet();
    const all = [...this.children, this.generator];
    const before = await spent(all, this.databases);
    const result = await this.generator.ask(phase, params);
    const after = await spent(all, this.databases);
    await this.generator.ask('disconnect');
    for (const child of this.children) await child.ask('settled');

    this.#accepted += result.accepted;
    if (phase === 'saturate') this.#perSecond = result.perSecond;
    const { childrenUs, ...rest } = spending(before, after, result.accepted);
    const generatorUs = childrenUs.pop();
    return { ...result, ...rest, generatorUs, nodeUs: childrenUs.reduce((sum, us) => sum + us, 0) };
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
