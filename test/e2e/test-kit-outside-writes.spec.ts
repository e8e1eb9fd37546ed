import { Injectable, type INestApplication } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { OnStripeEvent } from 'nestjs-hybrid-sync/stripe';
import { OutsideWriteError, SyncTesting } from 'nestjs-hybrid-sync/testing';
import { stripeEvent } from 'nestjs-hybrid-sync/testing/stripe';
import { DataSource, Repository, type EntityManager } from 'typeorm';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Effect, Gate } from '../support/scenario.js';
import { testApplication } from '../support/test-application.js';

type Work = (parts: {
  manager: EntityManager;
  dataSource: DataSource;
  effects: Repository<Effect>;
}) => Promise<unknown>;

@Injectable()
class Handlers {
  work: Work = async () => undefined;

  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Effect) private readonly effects: Repository<Effect>,
  ) {}

  @OnStripeEvent('customer.created', { name: 'Handlers.bound' })
  async bound(_event: SyncEvent, { manager }: SyncContext) {
    await this.work({ manager, dataSource: this.dataSource, effects: this.effects });
  }

  @OnStripeEvent('charge.refunded', { name: 'Handlers.free', transaction: 'none' })
  async free() {
    await this.effects.insert(row('free'));
  }
}

const row = (handler: string) => ({ handler, subject: 'secret' });

let database: TestDatabase;
let app: INestApplication;
let sync: SyncTesting;
beforeAll(async () => {
  database = await createDatabase();
  await start();
});
afterEach(() => app.get(DataSource).query('TRUNCATE effect, sync_event, sync_record, sync_mark'));
afterAll(async () => {
  await sync?.close();
  await database?.drop();
});

async function start(outsideWrites?: 'allow'): Promise<void> {
  app = await testApplication({ database, providers: [Handlers] });
  sync = await SyncTesting.start(app, { outsideWrites });
}

async function run(work: Work): Promise<void> {
  app.get(Handlers).work = work;
  sync.stripe.create('customer');
  await sync.idle();
}

function written(): Promise<string[]> {
  const effects = app.get(DataSource).getRepository(Effect);
  return effects.find({ order: { id: 'ASC' } }).then((rows) => rows.map(({ handler }) => handler));
}

const outside: [string, Work, string][] = [
  ['an injected repository', ({ effects }) => effects.save(row('outside')), 'INSERT effect'],
  [
    'the data source',
    ({ dataSource }) =>
      dataSource.query(`INSERT INTO effect (handler, subject) VALUES ('outside', 'secret')`),
    'INSERT effect',
  ],
  [
    'a transaction of its own',
    ({ dataSource }) => dataSource.transaction((other) => other.insert(Effect, row('outside'))),
    'INSERT effect',
  ],
  ['a query builder', ({ effects }) => effects.createQueryBuilder().delete().execute(), 'DELETE effect'],
  [
    'a query runner',
    async ({ dataSource }) => {
      const runner = dataSource.createQueryRunner();
      await runner.query(`UPDATE effect SET subject = 'secret'`).finally(() => runner.release());
    },
    'UPDATE effect',
  ],
  [
    'something that it calls without waiting for it',
    async ({ effects }) => {
      const begun = effects.insert(row('outside')).catch(() => undefined);
      await effects.count();
      await begun;
    },
    'INSERT effect',
  ],
];

describe('a handler that writes by', () => {
  it.each(outside)('%s is caught', async (_, work, statement) => {
    const idle = run(async (parts) => {
      await parts.manager.insert(Effect, row('inside'));
      await work(parts);
    });
    await expect(idle).rejects.toThrow(
      `Handlers.bound wrote outside its transaction (${statement}): write through context.manager`,
    );
    // Neither what it wrote outside nor what it wrote inside.
    expect(await written()).toEqual([]);
    const [event] = await sync.events();
    expect(event).toMatchObject({ state: 'waiting', waitReason: 'retry', succeededBy: [] });
    expect(event!.error).toContain(`(${statement})`);
    expect(event!.error).not.toContain('secret');
  });

  it('an injected repository is caught even if it swallows the error', async () => {
    const idle = run(async ({ effects }) => {
      await effects.save(row('outside')).catch(() => undefined);
    });
    await expect(idle).rejects.toBeInstanceOf(OutsideWriteError);
    expect((await sync.events())[0]).toMatchObject({ state: 'waiting', waitReason: 'retry' });
  });

  it('an injected repository is told of once, and at the end if nobody asked', async () => {
    await expect(run(({ effects }) => effects.save(row('outside')))).rejects.toThrow(OutsideWriteError);
    await sync.idle();
    await expect(sync.advance(6_000)).rejects.toMatchObject({
      code: 'SYNC_OUTSIDE_WRITE',
      handler: 'Handlers.bound',
      statement: { verb: 'INSERT', table: 'effect' },
    });
  });
});

describe('no handler is caught that', () => {
  it('writes through its manager, by whatever way', async () => {
    await run(async ({ manager }) => {
      await manager.insert(Effect, row('insert'));
      await manager.getRepository(Effect).save(row('save'));
      await manager.query(`INSERT INTO effect (handler, subject) VALUES ('query', 's')`);
      await manager.transaction((nested) => nested.insert(Effect, row('nested')));
      await manager.createQueryBuilder().insert().into(Effect).values(row('builder')).execute();
    });
    expect(await written()).toEqual(['insert', 'save', 'query', 'nested', 'builder']);
  });

  it('reads elsewhere', async () => {
    let counted: unknown;
    await run(async ({ effects, dataSource }) => {
      counted = [await effects.count(), await dataSource.query('SELECT 1 AS one FOR UPDATE')];
      await dataSource.transaction((other) => other.find(Effect));
    });
    expect(counted).toEqual([0, [{ one: 1 }]]);
    expect(await sync.events()).toMatchObject([{ state: 'completed' }]);
  });

  it('has no transaction', async () => {
    await run(async () => undefined);
    await sync.deliver(stripeEvent('charge.refunded'));
    await sync.idle();
    expect(await written()).toEqual(['free']);
  });

  it('runs beside other code of the host, which writes as it likes', async () => {
    const gate = new Gate();
    const running = run(async ({ manager }) => {
      await manager.insert(Effect, row('handler'));
      await gate.pass();
    });
    await gate.reached;
    await app.get(DataSource).getRepository(Effect).insert(row('beside'));
    gate.release();
    await running;
    expect((await written()).sort()).toEqual(['beside', 'handler']);
  });

  it('is over when what it has begun gets to writing', async () => {
    const gate = new Gate();
    let after: Promise<unknown> | undefined;
    await run(async ({ effects }) => {
      after = gate.pass().then(() => effects.insert(row('after')));
    });
    gate.release();
    await after;
    expect(await written()).toEqual(['after']);
    await sync.idle();
  });
});

it('a test may allow such writes', async () => {
  await sync.close();
  await start('allow');
  await run(({ effects }) => effects.save(row('outside')));
  expect(await written()).toEqual(['outside']);
});
