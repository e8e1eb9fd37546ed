import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A Redis for the time of a run: that of `REDIS_URL`, or one that this machine has installed, on a port of its own and
 * with nothing written to disk. Ends with this process.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startRedis() {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop: async () => undefined };
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ];
  const server = spawn('redis-server', settings, { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const failed = new Promise((_, reject) => {
    server.once('error', () => reject(missing()));
    void ended.then((code) => reject(new Error(`redis-server ended with ${code} while it started.`)));
  });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  await Promise.race([answers(port), failed]);
  failed.catch(() => undefined);
  server.unref();
  return { url: `redis://127.0.0.1:${port}`, stop };
}

function missing() {
  const error = new Error(
    'There is no Redis: set REDIS_URL to one of your own, or install redis-server (apt-get install redis-server, brew install redis).',
  );
  // One line is all there is to say.
  error.stack = error.message;
  return error;
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port */
async function answers(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(true)).on('error', () =>
        resolve(false),
      );
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
