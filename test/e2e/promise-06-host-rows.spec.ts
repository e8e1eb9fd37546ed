import { Injectable } from '@nestjs/common';
import {
  mirror,
  OnSyncChange,
  SyncChange,
  SyncContext,
  UnrecoverableError,
  type ReadContext,
  type RecordReader,
} from 'nestjs-hybrid-sync';
import { Column, DeleteDateColumn, Entity, PrimaryColumn } from 'typeorm';
import { Customer } from '../support/customer.js';
import { databaseKind } from '../support/database.js';
import { startHost, type Host } from '../support/host.js';
import { found, longAgo, NONE, reconcile } from '../support/reconciling.js';
import { effects, quick, write } from '../support/scenario.js';

interface Person {
  id: string;
  email: string | null;
  address: { city: string | null; line1?: string } | null;
}

let failing: Error | null = null;

/** Where the host keeps what. */
@Injectable()
class People implements RecordReader<Person> {
  readonly asked: string[][] = [];

  async read(ids: readonly string[], { manager, connectionId, resource }: ReadContext) {
    if (failing) throw failing;
    this.asked.push([connectionId, resource, ...ids]);
    const rows = await manager.find(Customer, { where: ids.map((id) => ({ id })) });
    return new Map(
      rows.map(({ id, email }) => {
        const [city, mail] = email!.split(':') as [string, string];
        return [id, { email: mail, address: { city: city || null } }];
      }),
    );
  }
}

@Injectable()
class Crm {
  @OnSyncChange('stripe', 'customer', { read: People })
  async save({ kind, data }: SyncChange<Person>, { record, manager }: SyncContext) {
    await write(manager, kind, record.id);
    if (!data) return manager.delete(Customer, { id: record.id });
    return manager.save(Customer, { id: record.id, email: `${data.address?.city ?? ''}:${data.email}` });
  }

  /** Has nothing to compare with. */
  @OnSyncChange('stripe', 'customer', { name: 'other' })
  async other(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'other', record.id);
  }
}

describe('nothing stays lost: what a handler has written is compared, where the host says what it has', () => {
  let host: Host;
  beforeEach(async () => {
    failing = null;
    host = await startHost({
      ...quick,
      entities: [...quick.entities, Customer],
      providers: [Crm, People],
      sync: { ...quick.sync, missingConfirmMs: 40 },
    });
    for (let i = 0; i < 5; i += 1)
      host.stripe.create('customer', {
        id: `cus_${i}`,
        email: `${i}@example.com`,
        address: { city: 'Bern', line1: 'not kept' },
      });
    host.stripe.create('customer', { id: 'cus_none', email: 'none@example.com', address: null });
    await longAgo(host);
  });
  afterEach(() => host.close());

  it('finds what is not as that handler would have it, and calls it alone again', async () => {
    const rows = host.dataSource.getRepository(Customer);
    await rows.update({ id: 'cus_1' }, { email: 'Basel:1@example.com' });
    await rows.delete({ id: 'cus_2' });
    const before = (await effects(host)).length;
    const dry = await reconcile(host, { dryRun: true });
    const expected = ['local cus_1: changed-locally', 'local cus_2: changed-locally'];
    expect(await found(host, dry)).toEqual(expected);
    expect(await effects(host)).toHaveLength(before);

    const report = await reconcile(host);
    expect(await found(host, report)).toEqual(expected);
    expect(report.findings.customer).toMatchObject({ local: 2, repaired: 2 });
    expect((await effects(host)).slice(before).sort()).toEqual(['updated cus_1', 'updated cus_2']);
    expect(await rows.findOneBy({ id: 'cus_1' })).toMatchObject({ email: 'Bern:1@example.com' });
    expect(await rows.countBy({ id: 'cus_2' })).toBe(1);
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
  });

  it('asks once for a page, and says whose records they are', async () => {
    const { asked } = host.app.get(People);
    asked.length = 0;
    await reconcile(host);
    expect(asked.map(([connection, resource, ...ids]) => [connection, resource, ids.sort()])).toEqual([
      ['default', 'customer', ['cus_0', 'cus_1', 'cus_2', 'cus_3', 'cus_4', 'cus_none']],
    ]);
  });

  it('fails for the resource whose reader fails, and says so', async () => {
    failing = new Error('the CRM is closed');
    const report = await reconcile(host, {}, 10_000);
    expect(report).toMatchObject({ state: 'failed', resources: { customer: { state: 'failed' } } });
    expect(report.notDone).toEqual([
      expect.stringMatching(/the rows of Crm\.save could not be read.*is closed/),
    ]);
  });
});

/** A table whose columns give back something else than they were given, or nothing at all. */
@Entity()
class Account {
  @PrimaryColumn({ type: 'varchar', length: 100 })
  id!: string;

  @Column('decimal', { precision: 12, scale: 2 })
  balance!: string;

  @Column(databaseKind === 'sqlite' ? 'varchar' : 'char', { length: 10 })
  currency!: string;

  @Column('varchar', {
    length: 100,
    transformer: { to: (text: string) => text?.toLowerCase(), from: (text: string) => text },
  })
  email!: string;

  @Column('varchar', { length: 100, select: false })
  phone!: string;

  @DeleteDateColumn()
  closedAt!: Date | null;
}

describe('nothing stays lost: rows of mirrors', () => {
  let host: Host;
  let unmappable: string | null;

  beforeEach(async () => {
    unmappable = null;
    host = await startHost({
      ...quick,
      entities: [...quick.entities, Account],
      mirrors: [
        mirror('stripe', 'customer', {
          to: Account,
          key: ['id'],
          map: ({ id, email }: { id: string; email: string }) => {
            if (id === unmappable) throw new UnrecoverableError('no such thing');
            return { balance: '12.5', currency: 'chf', email, phone: '1' };
          },
        }),
      ],
    });
    for (let i = 0; i < 3; i += 1)
      host.stripe.create('customer', { id: `cus_${i}`, email: `${i}@Example.com` });
    await longAgo(host);
  });
  afterEach(() => host.close());

  const rows = () => host.dataSource.getRepository(Account);

  it('are right as their columns hold them', async () => {
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
    await rows().update({ id: 'cus_1' }, { balance: '12.51' });
    expect(await found(host, await reconcile(host))).toEqual(['local cus_1: changed-locally']);
    expect(await reconcile(host)).toMatchObject({ findings: NONE });
  });

  it('are left deleted where the host has deleted them softly', async () => {
    await rows().softDelete({ id: 'cus_1' });
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
    expect(await rows().count()).toBe(2);
  });

  it('are compared though one of them cannot be mapped, which its handler tells', async () => {
    unmappable = 'cus_0';
    await rows().update({ id: 'cus_1' }, { balance: '0' });
    const report = await reconcile(host);
    expect(await found(host, report)).toContain('local cus_1: changed-locally');
    expect(report.findings.customer).toMatchObject({ local: 2, repaired: 1 });
    expect(report.notDone).toEqual(['1 record(s) died: SyncService.replay() runs them again']);
    expect(Number((await rows().findOneBy({ id: 'cus_1' }))!.balance)).toBe(12.5);
  });
});
