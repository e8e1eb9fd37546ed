import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { Dispatcher } from '../../../../dist/esm/dispatch/dispatcher.js';
import { decorate } from '../../decorate.mjs';
import { onExpress, onFastify } from './nest.mjs';

/** Not while this runs. */
const NEVER_MS = 2 ** 30;

/**
 * The library with no handlers.
 * @param passes whether this process also looks at what it has stored, which settles it as `no-handler`
 */
export async function start({ adapter, passes, receive, databaseUrl, secret }) {
  const Root = decorate(class Root {}, [
    Module({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, poolSize: 10, autoLoadEntities: true }),
        SyncModule.forRoot({
          sources: { stripe: stripe({ apiKey: 'sk_test_bench', webhookSecrets: [secret], mode: 'webhook' }) },
          webhooks: { path: 'hooks', receive },
          ...(!passes && { sweepEveryMs: NEVER_MS }),
        }),
      ],
    }),
  ]);
  const app = await (adapter === 'fastify' ? onFastify : onExpress)(Root);
  return {
    app,
    // Deliveries are still put in line for a pass, as by any process; nothing takes them out.
    listening: () => (passes ? undefined : app.get(Dispatcher, { strict: false }).stop(0)),
    settled: () => (passes ? app.get(SyncService).idle() : undefined),
  };
}
