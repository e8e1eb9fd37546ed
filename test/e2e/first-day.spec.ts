import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncEvent } from 'nestjs-hybrid-sync';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { startHost, until, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

@Entity({ name: 'old_customer' })
class OldCustomer {
  @PrimaryColumn('varchar', { length: 255 })
  stripeId!: string;

  @Column('varchar', { length: 255 })
  name!: string;
}

let calls: string[] = [];

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent) {
    calls.push(`book ${event.id}`);
  }

  @OnSyncChange('stripe', 'customer', { name: 'copy' })
  copy({ kind, record }: SyncChange) {
    calls.push(`copy ${kind} ${record.id}`);
  }
}

@Injectable()
class Invoicing {
  @OnSyncChange('stripe', 'invoice', {
    name: 'invoices',
    requires: ({ customer }) => [['customer', customer]],
  })
  save({ record }: SyncChange) {
    calls.push(`invoice ${record.id}`);
  }
}

describe('no surprise on the first day', () => {
  let host: Host;

  afterEach(() => host?.close());
  beforeEach(() => {
    calls = [];
  });

  it('1,000 old events and 10,000 existing rows give no call of an event handler', async () => {
    host = await startHost({
      ...quick,
      source: { ...quick.source, start: 'now' },
      entities: [...quick.entities, OldCustomer],
      providers: [Crm],
    });
    const rows = Array.from({ length: 10_000 }, (_, i) => ({
      stripeId: `cus_old${i}`,
      name: `customer ${i}`,
    }));
    const repository = host.dataSource.getRepository(OldCustomer);
    for (let i = 0; i < rows.length; i += 500) await repository.insert(rows.slice(i, i + 500));
    const adopt = () => host.sync.adopt('stripe', 'customer', { from: OldCustomer, key: 'stripeId' });
    expect(await adopt()).toEqual({ rows: 10_000, adopted: 10_000 });
    expect(await adopt()).toEqual({ rows: 10_000, adopted: 0 });

    const aDayAgo = Math.floor(Date.now() / 1000) - 86_400;
    const customers = Array.from({ length: 50 }, (_, i) =>
      host.stripe.create('customer', { id: `cus_old${i}` }, { delivery: 'unlogged' }),
    );
    for (let i = 0; i < 1_000; i += 50)
      await Promise.all(
        customers.map((customer, n) => send(host, customer, { id: `evt_old${i + n}`, created: aDayAgo + i })),
      );
    await settled(host);
    expect(calls.filter((call) => call.startsWith('book'))).toEqual([]);
    // What the host has of them may be out of date: change handlers look, at what is theirs since long.
    expect(new Set(calls)).toEqual(new Set(customers.map(({ id }) => `copy updated ${id}`)));
    expect(calls).toHaveLength(50);
  });

  it('what was adopted is there for whoever requires it', async () => {
    host = await startHost({
      ...quick,
      entities: [...quick.entities, OldCustomer],
      providers: [Crm, Invoicing],
    });
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    await host.dataSource.getRepository(OldCustomer).insert({ stripeId: customer.id, name: 'Ada' });
    await host.sync.adopt('stripe', 'customer', { from: OldCustomer, key: 'stripeId' });
    const invoice = host.stripe.create('invoice', { customer: customer.id }, { delivery: 'unlogged' });
    await send(host, invoice);
    await settled(host);
    expect(calls).toEqual([`invoice ${invoice.id}`]);
  });
});

describe('a rolling deploy in which only the new process knows a handler', () => {
  it('loses nothing', async () => {
    calls = [];
    const older = await startHost({ ...quick });
    try {
      const customer = older.stripe.create('customer', {}, { delivery: 'unlogged' });
      const before = await send(older, customer);
      await settled(older);
      expect(await older.sql('SELECT reason FROM sync_event')).toEqual([{ reason: 'no-handler' }]);

      const newer = await startHost({ ...quick, providers: [Crm], beside: older });
      try {
        await until(() => calls.includes(`book ${before}`));
        await settled(newer);
        expect(calls.filter((call) => call.startsWith('book'))).toEqual([`book ${before}`]);
        expect(await older.sql('SELECT state FROM sync_event')).toEqual([{ state: 'completed' }]);
      } finally {
        await newer.close();
      }
    } finally {
      await older.close();
    }
  });
});
