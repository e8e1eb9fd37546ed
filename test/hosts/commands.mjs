import { spawn } from 'node:child_process';

/** What npm tells the scripts that it runs about this package is not true of another. */
const foreign = /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$|NODE_OPTIONS$)/;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));

/** A command that ended badly; its message is all that it said. */
export class CommandError extends Error {}

/**
 * Runs a command to its end; gives what it wrote to stdout.
 * @throws CommandError if it fails, or takes longer than `timeoutMs`
 */
export function run([command, ...args], { cwd, env = {}, timeoutMs = 300_000 }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(said.stdout);
      const end = signal ? `was killed by ${signal}` : `ended with ${code}`;
      const text = [`${[command, ...args].join(' ')} ${end}`, said.stdout, said.stderr];
      reject(new CommandError(text.filter(Boolean).join('\n')));
    });
  });
}
