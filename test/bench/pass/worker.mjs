/** An application with one handler, in a process of its own. Works off what waits when it is told to. */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { EntitySchema } from 'typeorm';
import { answer } from '../child.mjs';
import { decorate } from '../decorate.mjs';

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

const UPSERT = `INSERT INTO invoice_copy (id, customer, status, amount_due, event_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET customer = EXCLUDED.customer, status = EXCLUDED.status,
    amount_due = EXCLUDED.amount_due, event_id = EXCLUDED.event_id`;

const writes = {
  raw: (manager, { id, customer, status, amount_due }, eventId) =>
    manager.query(UPSERT, [id, customer, status, amount_due, eventId]),
  typeorm: (manager, { id, customer, status, amount_due: amountDue }, eventId) =>
    manager.upsert(InvoiceCopy, { id, customer, status, amountDue, eventId }, ['id']),
};

let sync;
answer({
  async boot({ databaseUrl, handler, transactions }) {
    const write = writes[handler];
    const Billing = decorate(
      class Billing {
        save(event, { manager }) {
          return write(manager, event.payload.data.object, event.id);
        }
      },
      [Injectable()],
      { save: { with: [OnSyncEvent('stripe', 'invoice.*', { hydrate: false })] } },
    );
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
            sources: {
              stripe: stripe({ apiKey: 'sk_test_bench', webhookSecrets: ['whsec_bench'], mode: 'webhook' }),
            },
            maxTransactions: transactions,
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
