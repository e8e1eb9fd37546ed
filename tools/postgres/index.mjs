import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const keeper = fileURLToPath(new URL('./keeper.mjs', import.meta.url));

/** @type {typeof import('./index.mjs').startPostgres} */
export async function startPostgres(options = {}) {
  if (process.env.DATABASE_URL) return { url: process.env.DATABASE_URL, stop: async () => undefined };

  // The server belongs to a process of its own that stops it when its stdin closes: by stop(), or by our death,
  // however sudden. Detached, so that Ctrl-C reaches us first and the database outlives our shutdown.
  const child = spawn(process.execPath, [keeper, JSON.stringify(options)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.on('error', () => undefined);

  const { url, error } = await firstMessage(child);
  if (!url) {
    const failure = new Error(
      `Postgres did not start: ${error} Set DATABASE_URL to a database of your own to do without it.`,
    );
    // One line is all there is to say: where in here it was thrown helps nobody.
    failure.stack = String(failure);
    throw failure;
  }
  for (const handle of [child, child.stdin, child.stdout]) handle.unref();
  return {
    url,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}

/** @returns {Promise<{ url?: string, error?: string }>} */
function firstMessage(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error: error.message }));
    const lines = createInterface(child.stdout);
    lines.once('line', (line) => resolve(JSON.parse(line)));
    lines.once('close', () => resolve({ error: 'the process that keeps it ended without a word.' }));
  });
}
