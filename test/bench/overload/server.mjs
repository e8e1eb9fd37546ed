/** An application that takes deliveries and handles them, in one process: asked how it is while it has too much to do. */
import 'reflect-metadata';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { EntitySchema } from 'typeorm';
import { onExpress, onFastify } from '../ack/servers/nest.mjs';
import { answer } from '../child.mjs';
import { decorate } from '../decorate.mjs';

const SAMPLE_EVERY_MS = 100;

/** A row for each event that was handled, and no key that would hide a second one. */
const Effect = new EntitySchema({
  name: 'Effect',
  tableName: 'effect',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    eventId: { type: 'text', name: 'event_id' },
  },
});

const Billing = decorate(
  class Billing {
    save({ id }, { manager }) {
      return manager.insert(Effect, { eventId: id });
    }
  },
  [Injectable()],
  { save: { with: [OnSyncEvent('stripe', 'invoice.*', { name: 'save', hydrate: false })] } },
);

let sync;
let watch;
answer({
  async boot({ adapter, databaseUrl, secret }) {
    const Root = decorate(class Root {}, [
      Module({
        imports: [
          TypeOrmModule.forRoot({
            type: 'postgres',
            url: databaseUrl,
            entities: [Effect],
            autoLoadEntities: true,
          }),
          SyncModule.forRoot({
            sources: {
              stripe: stripe({ apiKey: 'sk_test_bench', webhookSecrets: [secret], mode: 'webhook' }),
            },
            webhooks: { path: 'hooks' },
          }),
        ],
        providers: [Billing],
      }),
    ]);
    const app = await (adapter === 'fastify' ? onFastify : onExpress)(Root);
    sync = app.get(SyncService);
    await app.listen(0, '127.0.0.1');
    return { port: app.getHttpServer().address().port };
  },

  /** From here on. */
  watch() {
    const lag = monitorEventLoopDelay({ resolution: 10 });
    const rssMb = [];
    const sample = () => rssMb.push(process.memoryUsage.rss() / 1_048_576);
    const timer = setInterval(sample, SAMPLE_EVERY_MS);
    lag.enable();
    watch = { lag, rssMb, timer };
    sample();
  },

  /** How long the event loop kept timers waiting, in milliseconds, and the memory from sample to sample. */
  watched() {
    const { lag, rssMb, timer } = watch;
    clearInterval(timer);
    lag.disable();
    return {
      lagP50: lag.percentile(50) / 1e6,
      lagP99: lag.percentile(99) / 1e6,
      lagMax: lag.max / 1e6,
      rssMb,
    };
  },

  /** When everything that was accepted is handled. */
  async settled() {
    const from = performance.now();
    await sync.idle();
    return performance.now() - from;
  },
});
