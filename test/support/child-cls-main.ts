/** An application on nestjs-cls's transactions: in a process of its own, since jest cannot load that package beside Nest 12. */
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { ClsPluginTransactional, Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { ClsModule } from 'nestjs-cls';
import { OnSyncEvent, SyncContext, SyncEvent, SyncModule, type SyncOptions } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { ChildEffect } from './child-effect.js';
import type { ChildConfig } from './child-main.js';

type Transactions = TransactionHost<TransactionalAdapterTypeOrm>;

const config = JSON.parse(process.argv[2]!) as ChildConfig;

/** Knows nothing of handlers. */
@Injectable()
class Books {
  constructor(private readonly transactions: TransactionHost<TransactionalAdapterTypeOrm>) {}

  async write(handler: string, recordId: string, cause: string): Promise<void> {
    await this.transactions.tx.insert(ChildEffect, { handler, recordId, cause, idempotencyKey: '' });
  }

  @Transactional()
  writeTogether(handler: string, recordId: string, cause: string): Promise<void> {
    return this.write(handler, recordId, cause);
  }
}

@Injectable()
class Handlers {
  constructor(private readonly books: Books) {}

  @OnSyncEvent('stripe', 'customer.*', { name: 'first' })
  async first(_event: SyncEvent, { record, attempt }: SyncContext) {
    await this.books.write('tx', record.id, `attempt ${attempt}`);
    await this.books.writeTogether('@Transactional', record.id, `attempt ${attempt}`);
    if (attempt === 1) throw new Error('what is written is to be gone');
  }
}

@Module({
  imports: [
    ClsModule.forRoot({
      plugins: [
        new ClsPluginTransactional({
          adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
        }),
      ],
    }),
    TypeOrmModule.forRoot({
      ...(config.database as TypeOrmModuleOptions),
      autoLoadEntities: true,
      retryAttempts: 0,
    }),
    TypeOrmModule.forFeature([ChildEffect]),
    SyncModule.forRootAsync({
      inject: [TransactionHost],
      useFactory: (transactions: Transactions): SyncOptions => ({
        sources: {
          stripe: {
            ...stripe({ ...config.stripe, callsPerSecond: 10_000, mode: 'webhook' }),
            backoffMs: () => 20,
          },
        },
        transaction: (work, options) => transactions.withTransaction(options, () => work(transactions.tx)),
        ...config.sync,
      }),
    }),
  ],
  providers: [Books, Handlers],
})
class ClsHostModule {}

process.once('disconnect', () => process.exit());

const app = await NestFactory.create(ClsHostModule, {
  logger: process.env.SYNC_TEST_LOGS ? undefined : false,
});
await app.listen(0, '127.0.0.1');
process.send!({ kind: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });
