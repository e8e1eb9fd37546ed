import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { ApiExcludeController, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncEvent, SyncContext, SyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { createDatabase } from './database';
import { httpAdapter } from './platform';

@Injectable()
class Listener {
  readonly seen: unknown[] = [];

  @OnSyncEvent('stripe', 'customer.*')
  take(event: SyncEvent, { record }: SyncContext) {
    this.seen.push([event.type, record.data?.email]);
  }
}

@Controller('people')
class PeopleController {
  @Get()
  all() {
    return [];
  }
}

function hostModule(settings: object, decorators: ClassDecorator[]) {
  @Module({
    imports: [
      ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true, load: [() => settings] }),
      TypeOrmModule.forRootAsync({
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          type: 'postgres' as const,
          url: config.getOrThrow<string>('database.url'),
          autoLoadEntities: true,
        }),
      }),
      SyncModule.forRootAsync({
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          leaseMs: config.get<number>('sync.leaseMs'),
          sources: {
            stripe: stripe({
              apiKey: config.getOrThrow<string>('stripe.apiKey'),
              webhookSecrets: [config.getOrThrow<string>('stripe.webhookSecret')],
              host: '127.0.0.1',
              port: config.get<string>('stripe.port'),
              protocol: 'http',
            }),
          },
        }),
        webhooks: { path: 'hooks', decorators },
      }),
    ],
    controllers: [PeopleController],
    providers: [Listener],
  })
  class HostModule {}
  return HostModule;
}

describe('beside @nestjs/config and @nestjs/swagger', () => {
  let fake: FakeStripe;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    fake = await FakeStripe.start();
    database = await createDatabase();
  });
  afterEach(() => app?.close());
  afterAll(async () => {
    await fake?.close();
    await database?.drop();
  });

  it('takes its options from the ConfigService', async () => {
    app = await start([]);
    fake.deliverTo(`${await app.getUrl()}/hooks/stripe`);
    fake.create('customer', { email: 'ada@example.com' });
    await fake.flush();
    await app.get(SyncService).idle();
    expect(app.get(Listener).seen).toEqual([['customer.created', 'ada@example.com']]);
  });

  it('keeps the webhook controller out of the OpenAPI document', async () => {
    app = await start([]);
    expect(documentedPaths(app)).toEqual(['/people']);
  });

  it('shows it to a host that says so', async () => {
    app = await start([ApiExcludeController(false)]);
    expect(documentedPaths(app)).toEqual(['/hooks/{source}', '/hooks/{source}/{connection}', '/people']);
  });

  async function start(decorators: ClassDecorator[]): Promise<INestApplication> {
    const { apiKey, webhookSecret, connection } = fake;
    const settings = {
      database: { url: database.url },
      stripe: { apiKey, webhookSecret, port: String(connection.port) },
    };
    const imports = [hostModule(settings, decorators)];
    const testing = await Test.createTestingModule({ imports }).compile();
    const started: INestApplication = testing.createNestApplication(httpAdapter(), {
      logger: ['error', 'warn'],
    });
    await started.listen(0, '127.0.0.1');
    return started;
  }

  function documentedPaths(documented: INestApplication): string[] {
    return Object.keys(SwaggerModule.createDocument(documented, new DocumentBuilder().build()).paths).sort();
  }
});
