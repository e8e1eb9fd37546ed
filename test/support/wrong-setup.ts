import assert from 'node:assert/strict';
import { Injectable, Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  SyncConfigError,
  SyncModule,
  type SyncConfigCode,
  type SyncModuleExtras,
  type SyncOptions,
} from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from './database.js';
import { until } from './host.js';

/** A host that is set up wrongly, and what it is told. */
export interface Mistake {
  code?: SyncConfigCode;
  /** What the message tells to do. */
  fix: RegExp;
  imports?: (DynamicModule | Type<object>)[];
  providers?: Provider[];
  /** `any`: what hosts write that the compiler does not stop. */
  options?: Partial<SyncOptions & SyncModuleExtras> | Record<string, any>;
  database?: Partial<TypeOrmModuleOptions>;
  /** In the place of the right one. */
  root?: () => DynamicModule;
}

export function source(options: Record<string, any> = {}) {
  return stripe({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'], ...options });
}

export function handlerOf(decorator: MethodDecorator, name = 'Billing'): Type<object> {
  @Injectable()
  class Billing {
    @decorator
    handle() {}
  }
  return Object.defineProperty(Billing, 'name', { value: name });
}

const silent = { log() {}, warn() {}, error() {} };

export async function applicationOf(imports: (DynamicModule | Type<object>)[], providers: Provider[] = []) {
  @Module({ imports, providers })
  class AppModule {}
  const testing = await Test.createTestingModule({ imports: [AppModule] })
    .setLogger(silent)
    .compile();
  return testing.createNestApplication({ logger: false });
}

/** A database on which hosts are booted, and what is left on it when they have failed. */
export class BootLab {
  private constructor(
    readonly database: TestDatabase,
    readonly client: Client,
  ) {}

  static async open(): Promise<BootLab> {
    const database = await createDatabase();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    return new BootLab(database, client);
  }

  async close(): Promise<void> {
    await this.client.end();
    await this.database.drop();
  }

  typeOrm(options: Partial<TypeOrmModuleOptions> = {}): DynamicModule {
    return TypeOrmModule.forRoot({
      type: 'postgres',
      url: this.database.url,
      autoLoadEntities: true,
      retryAttempts: 0,
      ...options,
    } as TypeOrmModuleOptions);
  }

  /** Boots the host, and asserts that it fails with the code and the fix in one line, and that nothing is left of it. */
  async assertFailure({ code = 'SYNC_INVALID_OPTION', fix, imports = [], providers, ...mistake }: Mistake) {
    const before = resources();
    const options = { sources: { stripe: source() }, ...mistake.options } as SyncOptions;
    const root = mistake.root?.() ?? SyncModule.forRoot(options);
    const app = await applicationOf([this.typeOrm(mistake.database), root, ...imports], providers);
    const error: unknown = await app.init().then(
      () => 'it boots',
      (reason: unknown) => reason,
    );
    try {
      assert.ok(error instanceof SyncConfigError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, fix);
      assert.match(error.message, new RegExp(`^${code}: [^\\n]+$`));
    } catch (wrong) {
      await app.close();
      throw wrong;
    }

    // Of the module's own nothing is left, whether or not the host then closes what is its own.
    const { driver } = app.get<DataSource>(getDataSourceToken());
    const { totalCount } = (driver as unknown as { master: { totalCount: number } }).master;
    await until(async () => (await this.connections()) <= totalCount);
    await app.close();
    await until(async () => (await this.connections()) === 0);
    await until(() => resources() <= before);
  }

  private async connections(): Promise<number> {
    const { rows } = await this.client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity
       WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    return rows[0]!.n;
  }
}

/** What would keep a process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP|Immediate/.test(kind)).length;
}
