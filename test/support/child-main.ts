/** The application that runs in a process of its own, to be killed: see `child-app.ts`. */
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  OnSyncChange,
  OnSyncEvent,
  SyncChange,
  SyncContext,
  SyncEvent,
  SyncModule,
  type SyncOptions,
  type SyncRole,
  type WebhookOptions,
} from 'nestjs-hybrid-sync';
import { stripe, type StripeOptions } from 'nestjs-hybrid-sync/stripe';
import { DataSource, type EntityManager } from 'typeorm';
import { ChildEffect } from './child-effect.js';

/** Where a handler stops for ever, or ends the process. */
export type Point = 'first-written' | 'second-entered' | 'outside-written' | 'exit';

/** A queue, as a process can be told of it. */
export interface QueueConfig {
  library: 'bull' | 'bullmq';
  redis: string;
  name: string;
}

export interface ChildConfig {
  /** As TypeORM wants it. */
  database: object;
  stripe: Pick<StripeOptions, 'apiKey' | 'webhookSecrets' | 'host' | 'port' | 'protocol'>;
  webhooks?: Pick<WebhookOptions, 'receive'>;
  /** Over the options of the module. */
  sync?: Partial<Omit<SyncOptions, 'sources'>>;
  /** @default 'all' */
  role?: SyncRole;
  /** What carries records to workers, in programs that can. @default the database alone */
  queue?: QueueConfig;
  /** By record: how far its handlers get. */
  holdAt?: Record<string, Point>;
  /** @default 'express' */
  adapter?: 'express' | 'fastify';
  /** Without them every event is settled as `no-handler`. @default true */
  handlers?: boolean;
}

/** How a process is doing. */
export interface ChildHealth {
  /** After a garbage collection. */
  heapBytes: number;
  /** What keeps it alive, by kind: sockets, timers. */
  resources: Record<string, number>;
  /** What Node has warned of since it started. */
  warnings: string[];
}

export type ChildMessage =
  | { kind: 'listening'; port: number }
  | { kind: 'held'; recordId: string }
  | { kind: 'injected'; status: number; body: string }
  | ({ kind: 'health' } & ChildHealth);

/** A delivery for `app.inject()`; the body in base64. */
export interface Injection {
  url: string;
  body: string;
  headers: Record<string, string>;
}

const config = JSON.parse(process.argv[2]!) as ChildConfig;

const warnings: string[] = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function tell(message: ChildMessage): void {
  process.send!(message);
}

async function pass(point: Point, recordId: string): Promise<void> {
  if (config.holdAt?.[recordId] !== point) return;
  if (point === 'exit') process.exit(7);
  tell({ kind: 'held', recordId });
  await new Promise(() => undefined);
}

@Injectable()
class Handlers {
  constructor(private readonly dataSource: DataSource) {}

  @OnSyncChange('stripe', 'customer', { name: 'change' })
  async change({ record }: SyncChange, { manager, idempotencyKey }: SyncContext) {
    await this.write(manager, 'change', record.id, String(record.version), idempotencyKey);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'first' })
  async first({ id }: SyncEvent, { record, manager, idempotencyKey }: SyncContext) {
    await this.write(manager, 'first', record.id, id!, idempotencyKey);
    await pass('exit', record.id);
    await pass('first-written', record.id);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'second' })
  async second({ id }: SyncEvent, { record, manager, idempotencyKey }: SyncContext) {
    await pass('second-entered', record.id);
    await this.write(manager, 'second', record.id, id!, idempotencyKey);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'outside', transaction: 'none' })
  async outside({ id }: SyncEvent, { record, idempotencyKey }: SyncContext) {
    await this.write(this.dataSource.manager, 'outside', record.id, id!, idempotencyKey);
    await pass('outside-written', record.id);
  }

  private async write(
    manager: EntityManager,
    handler: string,
    recordId: string,
    cause: string,
    idempotencyKey: string,
  ): Promise<void> {
    await manager.insert(ChildEffect, { handler, recordId, cause, idempotencyKey });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      ...(config.database as TypeOrmModuleOptions),
      // It would wait with the event loop in its hand, which the writer that it waits for needs.
      ...((config.database as TypeOrmModuleOptions).type === 'better-sqlite3' && { timeout: 20 }),
      autoLoadEntities: true,
      retryAttempts: 0,
    }),
    TypeOrmModule.forFeature([ChildEffect]),
    SyncModule.forRoot({
      sources: {
        stripe: stripe({
          ...config.stripe,
          callsPerSecond: 10_000,
          sourceCallsPerSecond: 10_000,
          mode: 'webhook',
        }),
      },
      webhooks: config.webhooks,
      role: config.role,
      ...config.sync,
    }),
  ],
  providers: config.handlers === false ? [] : [Handlers],
})
class ChildModule {}

// Whoever started this process is gone: nobody would kill it any more.
process.once('disconnect', () => process.exit());

const logger = process.env.SYNC_TEST_LOGS ? undefined : false;
const app =
  config.adapter === 'fastify'
    ? await NestFactory.create(ChildModule, await fastifyAdapter(), { logger })
    : await NestFactory.create(ChildModule, { logger });
await app.listen(0, '127.0.0.1');
tell({ kind: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });

process.on('message', (message: Injection | 'health') => {
  if (message === 'health') return tell({ kind: 'health', ...health() });
  const { url, body, headers } = message;
  const payload = Buffer.from(body, 'base64');
  void (app as NestFastifyApplication).inject({ method: 'POST', url, payload, headers }).then((answer) => {
    tell({ kind: 'injected', status: answer.statusCode, body: answer.body });
  });
});

function health(): ChildHealth {
  collectGarbage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapBytes: process.memoryUsage().heapUsed, resources, warnings };
}

/** Loaded by those only who use it: most children are started to be killed soon. */
async function fastifyAdapter() {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return new FastifyAdapter();
}
