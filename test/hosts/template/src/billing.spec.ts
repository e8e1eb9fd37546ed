import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SyncService } from 'nestjs-hybrid-sync';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { DataSource } from 'typeorm';
import { BillingModule } from './billing.module';
import { createDatabase } from './database';
import { httpAdapter } from './platform';

describe('the module from the package, in this application', () => {
  let fake: FakeStripe;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let app: INestApplication;

  beforeAll(async () => {
    fake = await FakeStripe.start();
    database = await createDatabase();
    const { apiKey, webhookSecrets, connection } = fake;
    const billing = BillingModule.register({
      databaseUrl: database.url,
      stripe: { apiKey, webhookSecrets, ...connection },
    });
    const testing = await Test.createTestingModule({ imports: [billing] }).compile();
    app = testing.createNestApplication(httpAdapter(), { logger: ['error', 'warn'] });
    await app.init();
    await app.get(DataSource).synchronize();
    await app.listen(0, '127.0.0.1');
    fake.deliverTo(`${await app.getUrl()}/webhooks/stripe`);
  });

  afterAll(async () => {
    await app?.close();
    await fake?.close();
    await database?.drop();
  });

  it('mirrors what signed webhooks announce', async () => {
    const { id } = fake.create('customer', { email: 'ada@example.com' });
    await handled();
    expect(await people(id)).toEqual([{ email: 'ada@example.com' }]);
    fake.update('customer', id, { email: 'ada@lovelace.org' });
    await handled();
    expect(await people(id)).toEqual([{ email: 'ada@lovelace.org' }]);
    fake.delete('customer', id);
    await handled();
    expect(await people(id)).toEqual([]);
  });

  it('runs handlers once for what is delivered twice', async () => {
    fake.faults.duplicateRate = 1;
    const customer = fake.create('customer').id;
    const invoice = fake.create('invoice', { customer, lines: [{ amount: 1_900 }] }).id;
    fake.failInvoicePayment(invoice);
    await handled();
    expect(await rows('SELECT "personId", status FROM invoice WHERE "stripeId" = $1', invoice)).toEqual([
      { personId: customer, status: 'open' },
    ]);
    expect(await rows('SELECT count(*)::int AS n FROM notice WHERE "invoiceId" = $1', invoice)).toEqual([
      { n: 1 },
    ]);
  });

  it('refuses what is not signed', async () => {
    const url = `${await app.getUrl()}/webhooks/stripe`;
    const answer = await fetch(url, { method: 'POST', body: '{}' });
    expect([answer.status, await answer.json()]).toEqual([401, { error: 'no-signature' }]);
  });

  async function handled(): Promise<void> {
    await fake.flush();
    await app.get(SyncService).idle();
  }

  const people = (id: string) => rows('SELECT email FROM person WHERE "stripeId" = $1', id);
  const rows = (query: string, id: string): Promise<unknown[]> => database.sql.query(query, [id]);
});
