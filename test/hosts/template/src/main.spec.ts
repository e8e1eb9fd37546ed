import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type { BillingOptions } from './billing.module';
import { createDatabase } from './database';

describe('the built application, as a process of its own', () => {
  let fake: FakeStripe;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    fake = await FakeStripe.start();
    database = await createDatabase();
  });

  afterAll(async () => {
    server?.kill('SIGKILL');
    await fake?.close();
    await database?.drop();
  });

  it('takes webhooks, and on SIGTERM finishes what runs and ends with 0', async () => {
    const { apiKey, webhookSecrets, connection } = fake;
    const { said, ended } = start({
      databaseUrl: database.url,
      stripe: { apiKey, webhookSecrets, ...connection },
    });
    const [, url] = await said(/^listening on (.*)$/);
    fake.deliverTo(`${url}/webhooks/stripe`);

    // The mirror's statement waits for the lock, so the handler is at work when the signal comes.
    const lock = database.sql.createQueryRunner();
    await lock.startTransaction();
    await lock.query('LOCK TABLE person');
    const { id } = fake.create('customer', { email: 'grace@example.com' });
    await fake.flush();
    await until(async () => (await waiting('person')) > 0);
    server!.kill('SIGTERM');
    await said(/^stopping$/);
    await lock.rollbackTransaction();
    await lock.release();

    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await database.sql.query('SELECT * FROM person')).toEqual([
      { stripeId: id, email: 'grace@example.com' },
    ]);
    expect(await database.sql.query('SELECT state FROM sync_event')).toEqual([{ state: 'completed' }]);
  });

  function start(options: BillingOptions) {
    const child = spawn(process.execPath, ['dist/main.js'], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_ENV: 'production',
        BILLING_OPTIONS: JSON.stringify(options),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    server = child;
    const lines: string[] = [];
    const output = createInterface(child.stdout).on('line', (line) => lines.push(line));
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal })),
    );
    const said = (pattern: RegExp) =>
      new Promise<RegExpMatchArray>((resolve, reject) => {
        const look = () => lines.map((line) => line.match(pattern)).find((match) => match !== null);
        const resolveIfSaid = () => {
          const match = look();
          if (match) resolve(match);
        };
        output.on('line', resolveIfSaid);
        resolveIfSaid();
        void ended.then((end) =>
          reject(new Error(`it ended (${JSON.stringify(end)}) having said:\n${lines.join('\n')}`)),
        );
      });
    return { said, ended };
  }

  async function waiting(table: string): Promise<number> {
    const query = 'SELECT count(*)::int AS n FROM pg_locks WHERE relation = $1::regclass AND NOT granted';
    const [{ n }] = (await database.sql.query(query, [table])) as [{ n: number }];
    return n;
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
