import { fork, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import type { FakeStripe, SignedDelivery } from 'nestjs-hybrid-sync/testing';
import type { ChildConfig, ChildHealth, ChildMessage, Injection } from './child-main.js';
import type { TestDatabase } from './database.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The library and `child-main.ts` as plain JavaScript, for processes of their own. */
export interface ChildProgram {
  start(options: ChildOptions): Promise<ChildApp>;
  /** Kills what still runs. */
  close(): Promise<void>;
}

export interface ChildOptions extends Omit<ChildConfig, 'database' | 'stripe'> {
  database: TestDatabase;
  stripe: FakeStripe;
}

/** An application in a process of its own, ready for deliveries. */
export interface ChildApp {
  /** Where it takes deliveries. */
  webhookUrl: string;
  /** Resolves when a handler is at the point where `holdAt` stops it. */
  held(recordId: string): Promise<void>;
  /** Hands a delivery to Fastify's `inject()`. */
  inject(path: string, delivery: SignedDelivery): Promise<{ status: number; body: string }>;
  health(): Promise<ChildHealth>;
  /** `kill -9`: nothing of it runs any more when this resolves. */
  kill(): Promise<void>;
  /** SIGTERM, as whoever deploys sends it. Resolves when it has ended, however long that takes. */
  stop(): Promise<void>;
  /** Resolves with the exit code when it has ended by itself. */
  ended: Promise<number | null>;
}

/**
 * Compiles once, in a few hundredths of a second: nothing has to be built before the tests.
 * @param main the application, in this folder
 */
export function compileChildProgram(main = 'child-main'): ChildProgram {
  const folder = mkdtempSync(join(tmpdir(), 'child-app-'));
  const support = [`${main}.ts`, 'child-effect.ts'].map((name) => join(root, 'test/support', name));
  for (const source of [...sourcesIn('lib'), ...support]) {
    const target = join(folder, relative(root, source).replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, compiled(source));
  }
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string };
  const exports = {
    '.': './lib/index.js',
    './stripe': './lib/connectors/stripe/index.js',
    './bull': './lib/dispatch/bull/index.js',
    './bullmq': './lib/dispatch/bullmq/index.js',
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');

  const running = new Set<ChildApp>();
  return {
    async start({ database, stripe, ...config }) {
      const { apiKey, webhookSecrets, connection } = stripe;
      const child = await startProcess(join(folder, `test/support/${main}.js`), {
        ...config,
        database: database.options,
        stripe: { apiKey, webhookSecrets, ...connection },
      });
      running.add(child);
      return child;
    },
    async close() {
      await Promise.all([...running].map((child) => child.kill()));
      rmSync(folder, { recursive: true });
    },
  };
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function compiled(path: string): string {
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    filename: path,
    sourceMaps: 'inline',
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  return code;
}

async function startProcess(main: string, config: ChildConfig): Promise<ChildApp> {
  const child = fork(main, [JSON.stringify(config)], { execArgv: ['--enable-source-maps'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const reached = new Set<string>();
  child.on('message', (message: ChildMessage) => {
    if (message.kind === 'held') reached.add(message.recordId);
  });
  const port = await listening(child);
  return {
    webhookUrl: `http://127.0.0.1:${port}/webhooks/stripe`,
    ended,
    held: (recordId) =>
      new Promise((resolve) => {
        const look = () => reached.has(recordId) && resolve();
        child.on('message', look);
        look();
      }),
    inject: (url, { body, headers }) =>
      new Promise((resolve) => {
        child.once('message', resolve);
        child.send({ url, body: body.toString('base64'), headers } satisfies Injection);
      }),
    health: () =>
      new Promise((resolve) => {
        child.once('message', (message: ChildMessage) => {
          if (message.kind === 'health') resolve(message);
        });
        child.send('health');
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'listening') resolve(message.port);
    });
    child.once('exit', (code) => reject(new Error(`the child ended while it started, with ${code}`)));
  });
}
