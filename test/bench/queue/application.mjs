/** An application with one handler, in a process of its own: takes deliveries, runs handlers, or both. */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncChange, OnSyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { bull } from 'nestjs-hybrid-sync/bull';
import { bullmq } from 'nestjs-hybrid-sync/bullmq';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { answer } from '../child.mjs';
import { decorate } from '../decorate.mjs';

const SECRET = 'whsec_bench';
const queues = { bull, bullmq };
const UPSERT = `INSERT INTO invoice_copy (id, customer, status, amount_due, event_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET event_id = EXCLUDED.event_id`;

let app;
let sync;
/** When handlers began, by event. */
const begun = new Map();

answer({
  async boot({ databaseUrl, role, queue, redisUrl, connection, hydrate = false }) {
    const save = (object, eventId, manager) => {
      begun.set(eventId, now());
      return manager.query(UPSERT, [object.id, 'cus_1', 'paid', 2_500, eventId]);
    };
    const Billing = decorate(
      class Billing {
        event(event, { manager }) {
          return save(event.payload.data.object, event.id, manager);
        }
        change(change, { manager }) {
          return save(change.data, '', manager);
        }
      },
      [Injectable()],
      hydrate
        ? { change: { with: [OnSyncChange('stripe', 'invoice')] } }
        : { event: { with: [OnSyncEvent('stripe', 'invoice.*', { hydrate: false })] } },
    );
    const source = stripe({
      apiKey: 'sk_test_bench',
      webhookSecrets: [SECRET],
      mode: 'webhook',
      start: 'log',
      callsPerSecond: 100_000,
      sourceCallsPerSecond: 100_000,
      ...connection,
    });
    const Root = decorate(class Root {}, [
      Module({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, poolSize: 12, autoLoadEntities: true }),
          SyncModule.forRoot({
            sources: { stripe: source },
            role,
            queue:
              queue &&
              queues[queue]({ redis: redisUrl, name: `bench_${new URL(databaseUrl).pathname.slice(1)}` }),
          }),
        ],
        providers: [Billing],
      }),
    ]);
    app = await NestFactory.createApplicationContext(Root, { logger: ['error', 'fatal'] });
    sync = app.get(SyncService);
  },

  /** Takes the deliveries, so many at once. @returns when each was accepted, by event */
  async receive({ deliveries, atOnce, everyMs = 0 }) {
    const accepted = new Map();
    const waiting = [...deliveries];
    const one = async () => {
      for (let payload = waiting.pop(); payload; payload = waiting.pop()) {
        const { status } = await sync.receive('stripe', signedDelivery({ payload, secret: SECRET }));
        if (status !== 200) throw new Error(`a delivery was answered ${status}`);
        accepted.set(payload.id, now());
        if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs * (0.5 + Math.random())));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    return accepted;
  },

  pause: () => sync.pause({ source: 'stripe' }),
  resume: () => sync.resume({ source: 'stripe' }),
  begun: () => begun,
  stop: () => app.close(),
});

/** By the machine's clock: processes are compared. */
function now() {
  return performance.timeOrigin + performance.now();
}
