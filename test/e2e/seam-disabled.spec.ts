import {
  Inject,
  Injectable,
  Module,
  type INestApplication,
  type INestApplicationContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  mirror,
  OnSyncAlarm,
  OnSyncChange,
  OnSyncEvent,
  SyncDisabledError,
  SyncModule,
  SyncService,
  type SyncOptions,
} from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { DataSource } from 'typeorm';
import { Customer } from '../support/customer.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { deliver } from '../support/deliver.js';

/** All that would stop a boot: handlers of unknown sources, of one name, of what cannot be fetched. */
@Injectable()
class Billing {
  constructor(@Inject(SyncService) readonly sync: SyncService) {}

  @OnSyncEvent('nowhere', '*', { name: 'same' })
  event() {}

  @OnSyncChange('stripe', 'no-such-resource', { name: 'same' })
  change() {}

  @OnSyncAlarm()
  alarm() {}
}

const customers = mirror('elsewhere', 'customer', { to: Customer, key: ['id'], map: () => ({}) });

@Module({ imports: [SyncModule.forFeature({ mirrors: [customers] })], providers: [Billing] })
class BillingModule {}

/** What `stripe()` is given where no variable is set. */
const unset = { apiKey: undefined!, webhookSecrets: [undefined!] };
const root = SyncModule.forRoot({ enabled: false, sources: { stripe: stripe(unset) } });

describe('with enabled: false', () => {
  let app: INestApplicationContext | undefined;
  afterEach(() => app?.close());

  it('the application boots with no keys, no secrets and no database at all', async () => {
    const useFactory = (): SyncOptions => {
      throw new Error('STRIPE_API_KEY is not set');
    };
    const imports = [
      SyncModule.forRootAsync({ enabled: false, useFactory }),
      SyncModule.forFeatureAsync({ useFactory }),
      BillingModule,
    ];
    @Module({ imports })
    class AppModule {}
    app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    expect(app.get(Billing).sync).toBe(app.get(SyncService));
  });

  it('SyncService says what it cannot do, and claims nothing that is not so', async () => {
    const testing = await Test.createTestingModule({ imports: [root, BillingModule] }).compile();
    app = await testing.init();
    const { sync } = app.get(Billing);
    const delivery = signedDelivery({ payload: { id: 'evt_1', object: 'event' }, secret: 'whsec_1' });
    // A 2xx would have the provider forget an event that nobody has stored.
    expect(await sync.receive('stripe', delivery)).toEqual({
      status: 503,
      reason: 'disabled',
      retryAfterSeconds: 60,
    });
    await sync.idle();
    for (const call of [sync.replay({ source: 'stripe' }), sync.explain('evt_1')]) {
      const error: unknown = await call.then(String, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(SyncDisabledError);
      expect(error).toMatchObject({ code: 'SYNC_DISABLED', message: expect.stringMatching(/enabled: true/) });
    }
  });

  describe('in an application with a database', () => {
    let database: TestDatabase;
    let host: INestApplication;
    beforeAll(async () => {
      database = await createDatabase();
      const { url } = database;
      const testing = await Test.createTestingModule({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url, autoLoadEntities: true, synchronize: true }),
          TypeOrmModule.forFeature([Customer]),
          root,
          BillingModule,
        ],
      }).compile();
      host = testing.createNestApplication(new ExpressAdapter(), { logger: false });
      await host.init();
      await host.listen(0, '127.0.0.1');
    });
    afterAll(async () => {
      await host.close();
      await database.drop();
    });

    it("makes no table, not even by the host's synchronize, and opens no connection", async () => {
      const dataSource = host.get(DataSource);
      const tables = await dataSource.query(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
      );
      expect(tables).toEqual([{ name: 'customer' }]);
      const { master } = dataSource.driver as unknown as { master: { totalCount: number } };
      const [row] = await dataSource.query<{ n: number }[]>(
        'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()',
      );
      expect(row!.n).toBe(master.totalCount);
    });

    it('serves no webhook', async () => {
      const delivery = signedDelivery({ payload: { id: 'evt_1', object: 'event' }, secret: 'whsec_1' });
      const { status } = await deliver(`${await host.getUrl()}/webhooks/stripe`, delivery);
      expect(status).toBe(404);
    });
  });
});
