import {
  Module,
  type DynamicModule,
  type INestApplication,
  type NestApplicationOptions,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule, type TypeOrmModuleAsyncOptions, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import type { AddressInfo } from 'node:net';
import {
  syncEntities,
  SyncModule,
  SyncService,
  type Mirror,
  type OpenTransaction,
  type SyncOptions,
  type SyncQueue,
  type SyncRole,
  type SyncSource,
  type WebhookOptions,
} from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import { createDatabase, databaseType, type TestDatabase } from './database.js';
import type { QueueLibrary } from './redis.js';
import { sqlOn, type Sql } from './sql.js';

export interface HostOptions {
  providers?: Provider[];
  entities?: Type<object>[];
  mirrors?: Mirror[];
  imports?: (DynamicModule | Type<object>)[];
  /** Over the options of the module. */
  sync?: Partial<SyncOptions>;
  /** The host opens the transactions of handlers: how, with its data source. */
  transaction?: (dataSource: DataSource) => OpenTransaction;
  /** The host makes its data source itself. */
  dataSourceFactory?: TypeOrmModuleAsyncOptions['dataSourceFactory'];
  /** Over the policies of the source. */
  source?: Partial<SyncSource>;
  webhooks?: WebhookOptions | false;
  role?: SyncRole;
  /** Between the processes of this application. @default that of TEST_QUEUE, if any */
  queue?: SyncQueue;
  adapter?: 'express' | 'fastify';
  /** What the host gives to its Fastify. */
  fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
  /** What the host's main.ts gives to `NestFactory.create()`. */
  nest?: NestApplicationOptions;
  poolSize?: number;
  /** More of the host's options for its data source. */
  typeorm?: { entityPrefix?: string } & Record<string, unknown>;
  /** Another process of the same application: shares database and Stripe. */
  beside?: Host;
  /** One that the test has made, and drops. @default a new one */
  database?: TestDatabase;
  /** Before `init()`: prefix, versioning. */
  configure?: (app: INestApplication) => void;
}

/** A host application with the module in it, on a database and a Stripe of its own. */
export interface Host {
  app: INestApplication;
  url: string;
  sync: SyncService;
  stripe: FakeStripe;
  database: TestDatabase;
  dataSource: DataSource;
  /** Rows of a table of the module, or of a query. */
  sql: Sql;
  count(entity: EntityTarget<ObjectLiteral>): Promise<number>;
  close(): Promise<void>;
}

export async function startHost(options: HostOptions = {}): Promise<Host> {
  const database = options.beside?.database ?? options.database ?? (await createDatabase({ tables: true }));
  const fake = options.beside?.stripe ?? (await FakeStripe.start());

  const queue = options.queue ?? (await queueOfRun(database));

  /** What is this host's alone. */
  async function tidyUp(): Promise<void> {
    if (options.beside) return;
    await fake.close();
    if (!options.database) await database.drop();
  }

  @Module({
    imports: [
      TypeOrmModule.forRootAsync({
        useFactory: () =>
          ({
            ...database.options,
            ...options.typeorm,
            entities: syncEntities(database.options.type, options.typeorm?.entityPrefix),
            autoLoadEntities: true,
            poolSize: options.poolSize ?? 10,
            retryAttempts: 0,
          }) as TypeOrmModuleOptions,
        dataSourceFactory: options.dataSourceFactory,
      }),
      TypeOrmModule.forFeature(options.entities ?? []),
      SyncModule.forRoot({
        sources: {
          stripe: {
            ...stripe({
              apiKey: fake.apiKey,
              webhookSecrets: fake.webhookSecrets,
              callsPerSecond: 10_000,
              sourceCallsPerSecond: 10_000,
              ...fake.connection,
            }),
            // What polling would find is what most tests are not about.
            mode: 'webhook',
            ...options.source,
          },
        },
        webhooks: options.webhooks,
        role: options.role,
        queue,
        ...(options.transaction && {
          transaction: (work, how) => options.transaction!(app.get(DataSource))(work, how),
        }),
        ...options.sync,
      }),
      SyncModule.forFeature({ mirrors: options.mirrors ?? [] }),
      ...(options.imports ?? []),
    ],
    providers: options.providers ?? [],
  })
  class HostModule {}

  const testing = await Test.createTestingModule({ imports: [HostModule] }).compile();
  const app: INestApplication =
    options.adapter === 'fastify'
      ? testing.createNestApplication(new FastifyAdapter(options.fastify), {
          logger: logLevels(),
          ...options.nest,
        })
      : testing.createNestApplication(new ExpressAdapter(), { logger: logLevels(), ...options.nest });
  options.configure?.(app);
  const dataSource = app.get(DataSource);
  try {
    await app.init();
  } catch (error) {
    await dataSource.destroy();
    await tidyUp();
    throw error;
  }
  // The module's tables come from its migrations, the test's own from its entities.
  if (!options.beside && hasTablesOfItsOwn(dataSource)) await dataSource.synchronize();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  if (!options.beside) fake.deliverTo(`${url}/webhooks/stripe`);

  return {
    app,
    url,
    sync: app.get(SyncService),
    stripe: fake,
    database,
    dataSource,
    sql: sqlOn(dataSource),
    count: (entity) => dataSource.getRepository(entity).count(),
    async close() {
      if (!options.beside) fake.deliverTo(null);
      await app.close();
      await tidyUp();
    },
  };
}

/** One for each database: whoever shares that is another process of the same application. */
async function queueOfRun({ url }: TestDatabase): Promise<SyncQueue | undefined> {
  const library = process.env.TEST_QUEUE as QueueLibrary | undefined;
  // Loaded by runs with a Redis only.
  return library && (await import('./redis.js')).queueOf(library, new URL(url).pathname.slice(1));
}

function hasTablesOfItsOwn(dataSource: DataSource): boolean {
  const ofTheModule = syncEntities(databaseType, dataSource.options.entityPrefix).length;
  return dataSource.entityMetadatas.length > ofTheModule;
}

/** `SYNC_TEST_LOGS=1` shows what the application says. */
function logLevels() {
  return process.env.SYNC_TEST_LOGS ? undefined : (false as const);
}

/** Resolves when the condition holds. Asks often; the test's own time-out is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
