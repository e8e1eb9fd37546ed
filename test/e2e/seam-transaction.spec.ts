import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { OnSyncEvent, SyncContext, SyncEvent, type OpenTransaction } from 'nestjs-hybrid-sync';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { DataSource, Repository } from 'typeorm';
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  IsolationLevel,
  Propagation,
  runInTransaction,
} from 'typeorm-transactional';
import { compileChildProgram } from '../support/child-app.js';
import { ChildEffect } from '../support/child-effect.js';
import { connectTo, createDatabase } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { describeOn, itOn, SERVERS } from '../support/only-on.js';
import { Effect, effects, plainly, quick, send, settled } from '../support/scenario.js';
import { sqlOn } from '../support/sql.js';

/** Who is at work, as a request's middleware would say. */
const request = new AsyncLocalStorage<string>();

/** Written long before handlers: knows its repository, and nothing of a transaction. */
@Injectable()
class Books {
  constructor(@InjectRepository(Effect) readonly effects: Repository<Effect>) {}

  async write(subject: string, repository = this.effects): Promise<void> {
    await repository.insert({ handler: 'books', subject });
  }
}

@Injectable()
class Billing {
  readonly calledBy: (string | undefined)[] = [];
  work: (context: SyncContext, subject: string) => Promise<void> = (_, subject) => this.books.write(subject);

  constructor(readonly books: Books) {}

  @OnSyncEvent('stripe', 'customer.*', { name: 'billing', hydrate: false })
  async event(_event: SyncEvent, context: SyncContext) {
    const { attempt } = context;
    this.calledBy.push(request.getStore());
    await this.work(context, `attempt ${attempt}`);
    if (attempt === 1) throw new Error('what is written is to be gone');
  }
}

const customer = { object: 'customer', id: 'cus_1' };

describe('injected repositories', () => {
  let host: Host;
  afterEach(() => host.close());

  async function start(): Promise<void> {
    host = await startHost({ ...quick, providers: [Books, Billing] });
  }

  it('with TypeORM alone join the transaction through withRepository()', async () => {
    await start();
    host.app.get(Billing).work = ({ manager }, subject) => {
      const { books } = host.app.get(Billing);
      return books.write(subject, manager.withRepository(books.effects));
    };
    await send(host, customer);
    await settled(host);
    expect(await effects(host)).toEqual(['books attempt 2']);
  });

  itOn(SERVERS, 'on SQLite they wait for the handler, which waits for them')(
    'and not by themselves',
    async () => {
      await start();
      await send(host, customer);
      await settled(host);
      expect(await effects(host)).toEqual(['books attempt 1', 'books attempt 2']);
    },
  );
});

describeOn(SERVERS, 'on SQLite TypeORM has one connection, which all share')(
  'a transaction that the host opens',
  () => {
    describe('with typeorm-transactional', () => {
      let host: Host;
      beforeAll(async () => {
        initializeTransactionalContext();
        host = await startHost({
          ...quick,
          providers: [Books, Billing],
          dataSourceFactory: async (options) => addTransactionalDataSource(new DataSource(options!)),
          transaction:
            (dataSource) =>
            (work, { isolationLevel }) =>
              runInTransaction(() => work(dataSource.manager), {
                isolationLevel: IsolationLevel[isolationLevel.replace(' ', '_') as 'READ_COMMITTED'],
                propagation: Propagation.REQUIRES_NEW,
              }),
        });
      });
      afterAll(async () => {
        await host?.close();
        deleteDataSourceByName('default');
      });

      it('has injected repositories join it: what a handler writes commits with its mark', async () => {
        await send(host, customer);
        await settled(host);
        expect(await effects(host)).toEqual(['books attempt 2']);
      });

      it('is a new one, though a delivery came in one of the host', async () => {
        await runInTransaction(() => send(host, { ...customer, id: 'cus_2' }));
        await settled(host);
        expect(await effects(host)).toEqual(['books attempt 2', 'books attempt 2']);
      });
    });

    it('with nestjs-cls has injected repositories join it', async () => {
      const program = compileChildProgram('child-cls-main');
      const [database, stripe] = [await createDatabase(), await FakeStripe.start()];
      const db = await connectTo(database, [ChildEffect]);
      await db.synchronize();
      try {
        const { webhookUrl } = await program.start({ database, stripe });
        stripe.deliverTo(webhookUrl);
        stripe.create('customer');
        await until(async () => (await settledIn(db)) === 1);
        const rows = await db.getRepository(ChildEffect).find({ order: { id: 'ASC' } });
        expect(rows.map(({ handler, cause }) => `${handler} ${cause}`)).toEqual([
          'tx attempt 2',
          '@Transactional attempt 2',
        ]);
      } finally {
        await program.close();
        await stripe.close();
        await db.destroy();
        await database.drop();
      }
    });

    describe('with TypeORM alone', () => {
      let host: Host;
      afterEach(() => host?.close());
      const start = async (transaction: (dataSource: DataSource) => OpenTransaction = plainly) => {
        host = await startHost({ ...quick, providers: [Books, Billing], transaction });
      };

      it('is as good as one of ours', async () => {
        await start();
        host.app.get(Billing).work = ({ manager }, subject) =>
          host.app.get(Books).write(subject, manager.getRepository(Effect));
        await send(host, customer);
        await settled(host);
        expect(await effects(host)).toEqual(['books attempt 2']);
      });

      it.each<[string, string, (dataSource: DataSource) => OpenTransaction]>([
        ['opens none', 'with no transaction open', (own) => (work) => work(own.createQueryRunner().manager)],
        ['gives no manager of one', 'without the manager', (own) => (work) => work(own.manager)],
        ['does not call work()', 'did not call work', () => () => Promise.resolve()],
        ['fails', 'no tenant', () => () => Promise.reject(new Error('no tenant'))],
      ])('stops the boot if it %s', async (_, message, transaction) => {
        await expect(start(transaction)).rejects.toThrow(message);
      });
    });
  },
);

describe('a handler', () => {
  let host: Host;
  afterEach(() => host.close());

  it('is called in nobody’s async context, whoever has brought the delivery', async () => {
    host = await startHost({ ...quick, providers: [Books, Billing] });
    host.app.get(Billing).work = () => Promise.resolve();
    await request.run('the sender', () => send(host, customer));
    await settled(host);
    expect(host.app.get(Billing).calledBy).toEqual([undefined, undefined]);
  });
});

/** 0 while there are no tables yet. */
async function settledIn(db: DataSource): Promise<number> {
  const count = `SELECT count(*)::int AS n FROM sync_event WHERE state = 'completed'`;
  const rows = await sqlOn(db)<{ n: number }>(count).catch(() => []);
  return rows[0]?.n ?? 0;
}
