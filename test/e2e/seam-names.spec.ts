import { Injectable } from '@nestjs/common';
import { mirror, OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { Column, DefaultNamingStrategy, Entity, PrimaryColumn } from 'typeorm';
import { connectTo, createDatabase, databaseKind, type TestDatabase } from '../support/database.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { Effect, effects, quick, send, write } from '../support/scenario.js';

@Entity()
class Customer {
  @PrimaryColumn({ type: 'varchar', length: 100 })
  stripeId!: string;

  @Column('text', { nullable: true })
  email!: string | null;
}

/** As a host of long standing may have it: nothing is called what it would be called. */
class Shouting extends DefaultNamingStrategy {
  override tableName(target: string, given: string | undefined): string {
    return `T_${super.tableName(target, given)}`.toUpperCase();
  }

  override columnName(property: string, given: string | undefined, embedded: string[]): string {
    return given ?? `C_${super.columnName(property, given as never, embedded)}`.toUpperCase();
  }
}

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  async book(event: SyncEvent, { manager, attempt }: SyncContext) {
    await write(manager, 'book', event.id);
    if (attempt === 1) throw new Error('once more');
  }
}

const customers = mirror('stripe', 'customer', {
  to: Customer,
  key: ['stripeId'],
  map: ({ email }: Stripe.Customer) => ({ email }),
});

/** Only Postgres has schemas, and one may need quotes. */
const schema = databaseKind === 'postgres' ? 'Back-Office' : undefined;

describe('the names that a host gives to its tables and columns', () => {
  let database: TestDatabase;
  const hosts: Host[] = [];
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
    await database.drop();
  });

  async function start(typeorm: HostOptions['typeorm']): Promise<Host> {
    const host = await startHost({
      ...quick,
      database,
      entities: [Effect, Customer],
      providers: [Billing],
      mirrors: [customers],
      typeorm,
    });
    hosts.push(host);
    return host;
  }
  async function worksIn(host: Host): Promise<void> {
    const customer = host.stripe.create('customer', { email: 'a@b.c' }, { delivery: 'unlogged' });
    const id = await send(host, customer);
    await host.sync.idle();
    await until(async () => /completed/.test(await host.sync.explain(id)));
    expect(await effects(host)).toEqual([`book ${id}`]);
    expect(await host.dataSource.getRepository(Customer).find()).toEqual([
      { stripeId: customer.id, email: 'a@b.c' },
    ]);
    expect(await host.sync.replay({ eventId: id }, { handlers: 'all' })).toEqual({ replayed: 1 });
    await until(async () => /completed/.test(await host.sync.explain(id)));
    expect(await effects(host)).toHaveLength(2);
    expect((await host.sync.erase({ source: 'stripe', resource: 'customer', id: customer.id })).events).toBe(
      1,
    );
    const { upQueries } = await host.dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  }

  it('are theirs: a schema, a prefix and a naming strategy change nothing', async () => {
    if (schema) await createSchema(database, schema);
    await worksIn(await start({ schema, entityPrefix: 'app-1_', namingStrategy: new Shouting() }));
  });

  it('keep two applications apart, which share a database', async () => {
    await worksIn(await start({ entityPrefix: 'one_' }));
    await worksIn(await start({ entityPrefix: 'two_' }));
    await worksIn(await start({}));
  });
});

async function createSchema(database: TestDatabase, name: string): Promise<void> {
  const source = await connectTo(database);
  await source.query(`CREATE SCHEMA "${name}"`);
  await source.destroy();
}
