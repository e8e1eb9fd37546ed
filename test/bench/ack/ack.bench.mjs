import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { eventTemplates } from '../events.mjs';
import { printAck } from './ack.report.mjs';
import { RunningServer } from './running-server.mjs';
import { variants } from './variants.mjs';

/** How many deliveries a second are answered, and how fast. */
export async function benchAck(databases, { quick, rounds = quick ? 1 : 4, profileFolder }) {
  const countedMs = quick ? 700 : 2_000;
  const generator = startChild(fileURLToPath(new URL('load/generator.mjs', import.meta.url)), []);
  const servers = [];
  const problems = [];
  try {
    await generator.ask('boot', { templates: await eventTemplates() });
    // One after the other: booting together, each would be slow.
    for (const variant of variants)
      servers.push(await RunningServer.start(variant, databases, generator, profileFolder));
    for (const server of servers) await server.warmUp(quick ? 500 : 2_500);

    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < servers.length; i++)
        problems.push(...(await servers[(i + round) % servers.length].measure(countedMs)));
      process.stderr.write(`ack: round ${round + 1} of ${rounds}\n`);
    }
    for (const server of servers) await server.readPeakRss();
  } finally {
    await Promise.all(
      [generator, ...servers.flatMap(({ children }) => children)].map((child) => child.stop()),
    );
  }
  printAck(servers, { rounds, countedMs });
  return problems;
}
