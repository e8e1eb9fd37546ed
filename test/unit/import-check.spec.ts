import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = process.cwd();
const cruiser = resolve(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** What the check finds in a tree's lib/, as `rule: file`. */
function violations(tree: string): string[] {
  const args = [cruiser, 'lib', '--output-type', 'json'];
  const report = JSON.parse(
    execFileSync(process.execPath, args, { cwd: tree, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
  );
  const found: { rule: { name: string }; from: string; cycle?: { name: string }[] }[] =
    report.summary.violations;
  const lines = found.flatMap(({ rule, from, cycle }) =>
    [from, ...(cycle ?? []).map(({ name }) => name)].map((file) => `${rule.name}: ${file}`),
  );
  return [...new Set(lines)].sort();
}

/** What it finds in a tree with the given files, and with what the check needs of ours. */
function violationsIn(files: Record<string, string>): string[] {
  const tree = mkdtempSync(join(tmpdir(), 'import-check-'));
  try {
    for (const name of ['.dependency-cruiser.cjs', 'package.json', 'tsconfig.json']) {
      copyFileSync(join(root, name), join(tree, name));
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'junction');
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
    return violations(tree);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const clean = {
  'lib/index.ts': `export * from './sync.module.js';`,
  'lib/sync.module.ts': `import './ingest/webhook/webhook.controller.js'; import '@nestjs/common'; export const a = 1;`,
  'lib/sync.errors.ts': `export class SyncError extends Error {}`,
  'lib/sync.options.ts': `import type { Source } from './model/source.js'; import type { Around } from './handlers/around.js'; import type { Type } from '@nestjs/common'; export type Options = Source & Type & Around;`,
  'lib/sync.clock.ts': `import { Injectable } from '@nestjs/common'; export const clock = Injectable;`,
  'lib/model/source.ts': `import { createHash } from 'node:crypto'; export type Source = object; export const hash = createHash;`,
  'lib/entities/row.entity.ts': `import { Entity } from 'typeorm'; import '../sync.clock.js'; export const row = Entity;`,
  'lib/observe/telemetry.ts': `import '../entities/row.entity.js'; export const telemetry = 1;`,
  'lib/database/sync.database.ts': `import '../entities/row.entity.js'; import '../model/source.js'; export const database = 1;`,
  'lib/inbox/inbox.service.ts': `import '../observe/telemetry.js'; import '../model/source.js'; export const inbox = 1;`,
  'lib/hydrate/hydration.service.ts': `import 'rate-limiter-flexible'; import '../sync.errors.js'; export const hydration = 1;`,
  'lib/handlers/on.decorator.ts': `import type { Options } from '../sync.options.js'; export const on = (options: Options) => options;`,
  'lib/handlers/around.ts': `export type Around = () => void; export const around = 1;`,
  'lib/handlers/registry.ts': `export interface Handler { name: string } export const registry = 1;`,
  'lib/process/pass.service.ts': `import '../inbox/inbox.service.js'; import '../hydrate/hydration.service.js'; export const pass = 1;`,
  'lib/dispatch/dispatcher.ts': `import '../process/pass.service.js'; export const dispatcher = 1;`,
  'lib/ingest/webhook/webhook.controller.ts': `import '../../dispatch/dispatcher.js'; export const controller = 1;`,
  'lib/connectors/stripe/index.ts': `import Stripe from 'stripe'; import type { Agent } from 'node:http'; import { on } from '../../handlers/on.decorator.js'; import type { Handler } from '../../handlers/registry.js'; import '../../sync.errors.js'; export { on, Stripe, type Agent, type Handler };`,
  'lib/testing/index.ts': `export * from '../connectors/stripe/index.js'; export * from '../sync.module.js';`,
};

describe('the import check', () => {
  it('passes on lib/', () => {
    expect(violations(root)).toEqual([]);
  });

  describe('on planted files', () => {
    const planted: [rule: string, file: string, text: string][] = [
      ['model-is-pure', 'model/x1.ts', `import { DataSource } from 'typeorm'; export const x = DataSource;`],
      [
        'model-is-pure',
        'model/x2.ts',
        `import type { DataSource } from 'typeorm'; export type X = DataSource;`,
      ],
      [
        'model-is-pure',
        'model/x3.ts',
        `import { readFile } from 'node:fs/promises'; export const x = readFile;`,
      ],
      ['model-is-pure', 'model/x4.ts', `import '../sync.clock.js';`],
      ['one-way-entities', 'entities/x.ts', `import '../inbox/inbox.service.js';`],
      ['one-way-entities', 'entities/x2.ts', `import '../database/sync.database.js';`],
      ['one-way-database', 'database/x1.ts', `import '../inbox/inbox.service.js';`],
      ['optional-peer-mysql2', 'database/x2.ts', `import 'mysql2';`],
      ['optional-peer-better-sqlite3', 'database/x3.ts', `import 'better-sqlite3';`],
      [
        'one-way-inbox',
        'inbox/x1.ts',
        `import { pass } from '../process/pass.service.js'; export const x = pass;`,
      ],
      [
        'one-way-inbox',
        'inbox/x2.ts',
        `import type { Handler } from '../handlers/registry.js'; export type X = Handler;`,
      ],
      ['one-way-hydrate', 'hydrate/x.ts', `export const x = () => import('../dispatch/dispatcher.js');`],
      ['one-way-handlers', 'handlers/x.ts', `export * from '../process/pass.service.js';`],
      ['one-way-process', 'process/x.ts', `import '../ingest/webhook/webhook.controller.js';`],
      ['one-way-dispatch', 'dispatch/x.ts', `import '../ingest/webhook/webhook.controller.js';`],
      ['one-way-observe', 'observe/x.ts', `import '../inbox/inbox.service.js';`],
      ['root-is-last', 'ingest/x.ts', `import '../sync.module.js';`],
      ['leaves-import-model-only', 'sync.errors.ts', `import './entities/row.entity.js';`],
      ['leaves-import-types-only', 'sync.options.ts', `import 'typeorm';`],
      ['leaves-import-around-as-a-type', 'sync.clock.ts', `import './handlers/around.js';`],
      ['entry-points-stay-apart', 'process/x1.ts', `import '../testing/index.js';`],
      ['entry-points-stay-apart', 'ingest/x1.ts', `import '../connectors/stripe/index.js';`],
      ['connector-imports', 'connectors/stripe/x1.ts', `import '../../entities/row.entity.js';`],
      ['connector-imports', 'connectors/http/x1.ts', `import '../stripe/index.js';`],
      ['connector-imports-types-only', 'connectors/stripe/x2.ts', `import '../../handlers/registry.js';`],
      ['connector-packages-stripe', 'connectors/stripe/x3.ts', `import '@nestjs/common';`],
      ['connector-packages', 'connectors/http/x2.ts', `import 'rxjs';`],
      ['connector-without-platform', 'connectors/http/x3.ts', `import 'node:fs';`],
      ['optional-peer-stripe', 'ingest/x2.ts', `import type Stripe from 'stripe'; export type X = Stripe;`],
      ['optional-peer-pg', 'inbox/x3.ts', `import 'pg';`],
      ['declared-packages', 'ingest/x3.ts', `import 'supertest';`],
      [
        'declared-packages',
        'ingest/x4.ts',
        `import type { Request } from 'express'; export type X = Request;`,
      ],
      ['inside-lib', 'ingest/x5.ts', `import '../../tools/tool.mjs';`],
      ['no-cycles', 'ingest/x6.ts', `import type { B } from './x7.js'; export type A = B;`],
      ['no-cycles', 'ingest/x7.ts', `import type { A } from './x6.js'; export type B = A;`],
      ['resolvable', 'ingest/x8.ts', `import './nothing.js';`],
      ['resolvable', 'ingest/x9.ts', `import 'no-such-package';`],
    ];
    let found: string[];

    beforeAll(() => {
      const files = Object.fromEntries(planted.map(([, file, text]) => [`lib/${file}`, text]));
      const main = {
        'lib/index.ts': `export * from './reaches.js';`,
        'lib/reaches.ts': `import './ingest/x2.js';`,
      };
      found = violationsIn({ ...clean, ...files, ...main, 'tools/tool.mjs': '' });
    });

    it.each(planted)('says %s of %s', (rule, file) => {
      expect(found).toContain(`${rule}: lib/${file}`);
    });

    it('says that the main entry point reaches an optional peer', () => {
      expect(found).toContain('main-without-optional-peers: lib/index.ts');
    });
  });

  it('lets through what is allowed', () => {
    expect(violationsIn(clean)).toEqual([]);
  });
});
