import { Module, type DynamicModule, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SyncModule, type SyncSource } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import type { TestDatabase } from './database.js';
import { Effect } from './scenario.js';

export interface TestApplicationOptions {
  database: TestDatabase;
  providers?: Provider[];
  imports?: (DynamicModule | Type<object>)[];
  /** @default one, `stripe`, without keys */
  sources?: Record<string, SyncSource>;
  webhooks?: { path?: string };
  adapter?: 'express' | 'fastify';
}

/** What the environment leaves where nothing is set. */
export const unset = { apiKey: '', webhookSecrets: [] };

/** A host's application as its own set-up makes it for tests: not started, and with a Stripe that is not there. */
export async function testApplication(options: TestApplicationOptions): Promise<INestApplication> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: options.database.url,
        entities: [Effect],
        autoLoadEntities: true,
        synchronize: true,
        retryAttempts: 0,
      }),
      TypeOrmModule.forFeature([Effect]),
      SyncModule.forRoot({
        sources: options.sources ?? { stripe: stripe(unset) },
        webhooks: options.webhooks,
      }),
      ...(options.imports ?? []),
    ],
    providers: options.providers ?? [],
  })
  class HostModule {}

  const testing = await Test.createTestingModule({ imports: [HostModule] }).compile();
  const adapter = options.adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  return testing.createNestApplication(adapter, {
    logger: process.env.SYNC_TEST_LOGS ? undefined : false,
  });
}
