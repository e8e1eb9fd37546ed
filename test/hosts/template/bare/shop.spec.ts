import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  OnSyncChange,
  SyncChange,
  SyncModule,
  SyncService,
  type Connector,
  type Delivery,
  type Fetched,
  type IncomingEvent,
  type RecordKey,
  type Verdict,
} from 'nestjs-hybrid-sync';
import { createDatabase } from './database';
import { httpAdapter } from './platform';

interface Order {
  id: string;
  total: number;
}

const signatureOf = (body: Buffer | string) => createHmac('sha256', 'a secret').update(body).digest('hex');

/** A provider of the host's own: all that it takes comes from the main entry point. */
class Shop implements Connector {
  readonly provider = 'shop';
  readonly connections = [];
  readonly fingerprintRevision = 1;
  readonly orders = new Map<string, Order>();

  problems() {
    return [];
  }

  verify({ body, headers }: Delivery): Verdict {
    const given = Buffer.from(String(headers['x-signature']));
    const right = Buffer.from(signatureOf(body));
    const ok = given.length === right.length && timingSafeEqual(given, right);
    return ok ? { ok } : { ok, reason: 'wrong-signature' };
  }

  parse({ body, connectionId }: Delivery): IncomingEvent[] {
    const { event, order } = JSON.parse(body.toString()) as { event: string; order: string };
    const record = { connectionId, resource: 'order', recordId: order };
    const payload = body.toString();
    return [{ eventId: event, type: 'order.changed', ...record, occurredAt: null, deletion: false, payload }];
  }

  fetchable() {
    return true;
  }

  async fetch({ id }: RecordKey): Promise<Fetched> {
    const data = this.orders.get(id);
    return data ? { found: true, data } : { found: false, stated: true };
  }

  fingerprint(_resource: string, data: object) {
    return String((data as Order).total);
  }
}

@Injectable()
class Orders {
  readonly seen: unknown[] = [];

  @OnSyncChange('shop', 'order')
  take(change: SyncChange<Order>) {
    this.seen.push([change.kind, change.data?.total]);
  }
}

describe('the main entry point, without the package of any provider', () => {
  const shop = new Shop();
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(async () => {
    await app?.close();
    await database?.drop();
  });

  it('has no such package to lean on', () => {
    expect(() => require.resolve('stripe')).toThrow('Cannot find module');
  });

  it('serves a connector of the host', async () => {
    @Module({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: database.url, autoLoadEntities: true }),
        SyncModule.forRoot({ sources: { shop: { connector: shop } } }),
      ],
      providers: [Orders],
    })
    class ShopModule {}

    const testing = await Test.createTestingModule({ imports: [ShopModule] }).compile();
    app = testing.createNestApplication(httpAdapter(), { logger: ['error', 'warn'] });
    await app.listen(0, '127.0.0.1');
    shop.orders.set('o1', { id: 'o1', total: 5 });
    const body = JSON.stringify({ event: 'e1', order: 'o1' });
    const headers = { 'x-signature': signatureOf(body) };
    const answer = await fetch(`${await app.getUrl()}/webhooks/shop`, { method: 'POST', body, headers });
    expect(answer.status).toBe(200);
    await app.get(SyncService).idle();
    expect(app.get(Orders).seen).toEqual([['created', 5]]);
    expect(await database.sql.query('SELECT state FROM sync_event')).toEqual([{ state: 'completed' }]);
  });
});
