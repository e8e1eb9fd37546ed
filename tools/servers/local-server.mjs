import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/**
 * A server that this machine has installed, for the time of a run: it ends with this process.
 * @param {{ command: string, args: string[], isUp: () => Promise<boolean>, missing: string, said?: () => string }} server
 *   `missing`: what to do where there is no such command; `said`: what it has said, if it ends while it starts
 * @returns {Promise<() => Promise<void>>} ends it
 */
export async function startServer({ command, args, isUp, missing, said = () => '' }) {
  const server = spawn(command, args, { stdio: 'ignore' });
  let problem;
  const ended = new Promise((resolve) => {
    server.once('error', () => resolve((problem = missing)));
    server.once('exit', (code) =>
      resolve((problem = `${command} ended with ${code} while it started. ${said()}`)),
    );
  });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  while (!(await isUp())) {
    if (problem) throw inOneLine(problem);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  server.unref();
  return async () => {
    process.off('exit', kill);
    server.ref();
    kill();
    await ended;
  };
}

/** Where it was thrown helps nobody. */
export function inOneLine(message) {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
