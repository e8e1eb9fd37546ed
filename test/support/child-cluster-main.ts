/** One process of many: takes deliveries, or runs two cheap handlers. Ends by SIGTERM as a host's does. */
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  Get,
  Injectable,
  Module,
  ServiceUnavailableException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  OnSyncChange,
  OnSyncEvent,
  SyncChange,
  SyncContext,
  SyncEvent,
  SyncModule,
} from 'nestjs-hybrid-sync';
import { bull } from 'nestjs-hybrid-sync/bull';
import { bullmq } from 'nestjs-hybrid-sync/bullmq';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { ChildEffect } from './child-effect.js';
import type { ChildConfig } from './child-main.js';

const config = JSON.parse(process.argv[2]!) as ChildConfig;

/** Probes that a load balancer sends to one that says no, before it is gone for good. */
const PROBES = 3;

@Injectable()
class Handlers {
  @OnSyncChange('stripe', 'customer', { name: 'change' })
  async change({ data, record }: SyncChange<{ name: string }>, { manager, idempotencyKey }: SyncContext) {
    const cause = `${record.version} ${data?.name}`;
    await manager.insert(ChildEffect, { handler: 'change', recordId: record.id, cause, idempotencyKey });
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'event' })
  async event({ id }: SyncEvent, { record, manager, idempotencyKey }: SyncContext) {
    await manager.insert(ChildEffect, { handler: 'event', recordId: record.id, cause: id!, idempotencyKey });
  }
}

/** What a host does for its load balancer: says that it is going, and goes when that has been noticed. */
@Controller('ready')
class Readiness implements BeforeApplicationShutdown {
  private refusals = 0;
  private leave?: () => void;

  @Get()
  probe(): string {
    if (!this.leave) return 'ready';
    this.refusals += 1;
    if (this.refusals === PROBES) this.leave();
    throw new ServiceUnavailableException();
  }

  beforeApplicationShutdown(): Promise<void> {
    return new Promise((resolve) => (this.leave = resolve));
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      ...(config.database as TypeOrmModuleOptions),
      autoLoadEntities: true,
      retryAttempts: 0,
      poolSize: 8,
    } as TypeOrmModuleOptions),
    TypeOrmModule.forFeature([ChildEffect]),
    SyncModule.forRoot({
      sources: {
        stripe: {
          ...stripe({
            ...config.stripe,
            callsPerSecond: 10_000,
            sourceCallsPerSecond: 10_000,
            mode: 'webhook',
          }),
          start: 'log',
        },
      },
      role: config.role,
      queue:
        config.queue &&
        { bull, bullmq }[config.queue.library]({ redis: config.queue.redis, name: config.queue.name }),
      ...config.sync,
    }),
  ],
  controllers: config.role === 'worker' ? [] : [Readiness],
  providers: config.role === 'ingest' ? [] : [Handlers],
})
class ClusterModule {}

process.once('disconnect', () => process.exit());

const logger = process.env.SYNC_TEST_LOGS ? undefined : (false as const);
const app =
  config.adapter === 'fastify'
    ? await NestFactory.create(ClusterModule, await fastifyAdapter(), { logger })
    : await NestFactory.create(ClusterModule, { logger });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
// Above the idle time of the balancer, which would else send on connections that are just being closed.
(app.getHttpServer() as Server).keepAliveTimeout = 600_000;
process.send!({ kind: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });

/** Loaded by those only who use it: many children are started here. */
async function fastifyAdapter() {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return new FastifyAdapter();
}
