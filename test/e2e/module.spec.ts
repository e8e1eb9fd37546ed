import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  mirror,
  OnSyncChange,
  SyncChange,
  SyncModule,
  SyncService,
  type SyncOptions,
} from 'nestjs-hybrid-sync';
import { OnStripeEvent, stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { createDatabase, type TestDatabase } from '../support/database.js';

@Entity()
class Customer {
  @PrimaryColumn()
  stripeId!: string;

  @Column({ type: 'varchar', nullable: true })
  email!: string | null;
}

@Injectable()
class Audit {
  readonly seen: string[] = [];

  @OnSyncChange('stripe', 'customer')
  changed(change: SyncChange<Stripe.Customer>) {
    this.seen.push(`${change.kind} ${change.data?.email}`);
  }

  @OnStripeEvent('customer.created')
  created() {
    this.seen.push('customer.created');
  }
}

const customers = mirror('stripe', 'customer', {
  to: Customer,
  key: ['stripeId'],
  map: (customer: Stripe.Customer) => ({ email: customer.email }),
});

/** A team's part of the host: its mirror, far from the root module. */
@Module({ imports: [SyncModule.forFeature({ mirrors: [customers] })] })
class CrmModule {}

/** Another team's: the service is injectable without importing anything. */
@Injectable()
class Desk {
  constructor(readonly sync: SyncService) {}
}
@Module({ providers: [Desk, Audit] })
class DeskModule {}

describe('SyncModule', () => {
  let database: TestDatabase;
  let fake: FakeStripe;
  let app: INestApplication;
  beforeEach(async () => {
    database = await createDatabase();
    fake = await FakeStripe.start();
  });
  afterEach(async () => {
    await app?.close();
    await fake.close();
    await database.drop();
  });

  it.each(['default', 'billing'])('takes its options from a factory, on the %s data source', async (name) => {
    const dataSource = name === 'default' ? undefined : name;
    const optionsFrom = (config: ConfigService): SyncOptions => ({
      sources: {
        stripe: stripe({
          apiKey: config.getOrThrow('STRIPE_API_KEY'),
          webhookSecrets: [config.getOrThrow('STRIPE_WEBHOOK_SECRET')],
          ...fake.connection,
        }),
      },
    });
    const testing = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          load: [() => ({ STRIPE_API_KEY: fake.apiKey, STRIPE_WEBHOOK_SECRET: fake.webhookSecret })],
        }),
        TypeOrmModule.forRoot({
          ...(database.options as TypeOrmModuleOptions),
          name: dataSource,
          autoLoadEntities: true,
        }),
        TypeOrmModule.forFeature([Customer], dataSource),
        SyncModule.forRootAsync({ inject: [ConfigService], useFactory: optionsFrom, dataSource }),
        CrmModule,
        DeskModule,
      ],
    }).compile();
    app = testing.createNestApplication({ logger: false });
    await app.init();
    await app.get<DataSource>(name === 'default' ? DataSource : `${name}DataSource`).synchronize();
    await app.listen(0, '127.0.0.1');
    fake.deliverTo(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/webhooks/stripe`);

    const { id } = fake.create('customer', { email: 'ada@example.com' });
    await fake.flush();
    await app.get(Desk).sync.idle();
    expect(app.get(Audit).seen).toEqual(['created ada@example.com', 'customer.created']);
    const rows = app
      .get<DataSource>(name === 'default' ? DataSource : `${name}DataSource`)
      .getRepository(Customer);
    expect(await rows.find()).toEqual([{ stripeId: id, email: 'ada@example.com' }]);
  });
});
