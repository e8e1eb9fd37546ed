/** An application with one handler, in a process of its own. Works off what waits when it is told to. */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncChange, OnSyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { EntitySchema } from 'typeorm';
import { answer } from '../child.mjs';
import { decorate } from '../decorate.mjs';
import { upsertOf } from './upsert.mjs';

/** Not while this runs. */
const NEVER_MS = 2 ** 30;

const InvoiceCopy = new EntitySchema({
  name: 'InvoiceCopy',
  tableName: 'invoice_copy',
  columns: {
    id: { type: 'text', primary: true },
    customer: { type: 'text' },
    status: { type: 'text' },
    amountDue: { type: 'int', name: 'amount_due' },
    eventId: { type: 'text', name: 'event_id' },
  },
});

const writes = {
  raw: (manager, invoice, eventId) => manager.query(...upsertOf(invoice, eventId)),
  typeorm: (manager, { id, customer, status, amount_due: amountDue }, eventId) =>
    manager.upsert(InvoiceCopy, { id, customer, status, amountDue, eventId }, ['id']),
};

const handlers = {
  event: (write) =>
    decorate(
      class Billing {
        save(event, { manager }) {
          return write(manager, event.payload.data.object, event.id);
        }
      },
      [Injectable()],
      { save: { with: [OnSyncEvent('stripe', 'invoice.*', { hydrate: false })] } },
    ),
  change: (write, batch) =>
    decorate(
      class Billing {
        save({ data }, { manager, record }) {
          return write(manager, data, record.id);
        }
      },
      [Injectable()],
      { save: { with: [OnSyncChange('stripe', 'invoice', { batch })] } },
    ),
};

/** Stripe, but for the network: an invoice is there at once. */
function source() {
  const { connector, ...policies } = stripe({
    apiKey: 'sk_test_bench',
    webhookSecrets: ['whsec_bench'],
    mode: 'webhook',
    callsPerSecond: 1_000_000,
    sourceCallsPerSecond: 1_000_000,
    maxConcurrentCalls: 1_000,
  });
  const fetch = async ({ id }) => ({
    found: true,
    data: { id, object: 'invoice', customer: 'cus_c0WyyHbiQzSU8P', status: 'paid', amount_due: 2_500 },
  });
  return { ...policies, connector: Object.assign(Object.create(connector), { fetch }) };
}

let sync;
answer({
  async boot({ databaseUrl, kind, write, batch, transactions }) {
    const Billing = handlers[kind](writes[write], batch);
    const Root = decorate(class Root {}, [
      Module({
        imports: [
          TypeOrmModule.forRoot({
            type: 'postgres',
            url: databaseUrl,
            poolSize: transactions + 2,
            entities: [InvoiceCopy],
            autoLoadEntities: true,
          }),
          SyncModule.forRoot({
            sources: { stripe: source() },
            maxTransactions: transactions,
            // While one batch is written, the next ones are claimed.
            ...(batch && { maxPasses: 4 * batch }),
            sweepEveryMs: NEVER_MS,
          }),
        ],
        providers: [Billing],
      }),
    ]);
    const app = await NestFactory.createApplicationContext(Root, { logger: ['error', 'fatal', 'warn'] });
    sync = app.get(SyncService);
  },

  /** Until nothing waits any more. */
  async run() {
    const startedAt = performance.now();
    await sync.idle();
    return performance.now() - startedAt;
  },
});
