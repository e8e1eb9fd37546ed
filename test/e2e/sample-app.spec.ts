import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { DataSource } from 'typeorm';
import { AppModule } from '../../sample-app/app.module';
import { Screen } from '../../sample-app/account/screen';
import { CrmOrg } from '../../sample-app/crm/crm-org';
import type { Comparison } from '../../sample-app/drive/comparison';
import { Drive, DriveOptions } from '../../sample-app/drive/drive';
import { StripeAccount } from '../../sample-app/stripe/stripe-account';
import { SyncEventEntity, SyncService } from 'nestjs-hybrid-sync';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { until } from '../support/host.js';

describe('the sample application', () => {
  const said: string[] = [];
  let app: INestApplication;
  let stripe: StripeAccount;
  let org: FakeSalesforce;
  let found: Comparison | null;

  beforeAll(async () => {
    process.env.DATABASE_URL = process.env.TEST_DATABASE_URL;
    const testing = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(DriveOptions)
      .useValue({
        changes: 120,
        perSecond: 50,
        trouble: { dropRate: 0.1, outage: [0.3, 0.5] },
      } satisfies DriveOptions)
      .overrideProvider(Screen)
      .useValue({
        refreshMs: 50,
        show: () => undefined,
        say: (...lines) => said.push(...lines),
      } satisfies Screen)
      .compile();
    app = testing.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    stripe = app.get(StripeAccount, { strict: false });
    org = app.get(CrmOrg, { strict: false }).fake!;
    found = await app.get(Drive, { strict: false }).finished;
  }, 60_000);
  afterAll(() => app?.close());

  it('has every row as Stripe has it in the end, whatever came twice, late or out of order', () => {
    expect(found?.differences).toEqual([]);
    const tables = [
      'customers',
      'subscriptions',
      'invoices',
      'lines',
      'mails',
      'accounts',
      'contacts',
      'CRM subscriptions',
      'CRM invoices',
      'cities',
      'owners',
    ];
    for (const table of tables) expect(found?.equal[table]).toBeGreaterThan(0);
    expect(stripe.fake?.deliveries.count({ duplicate: true, outcome: 'delivered' })).toBeGreaterThan(0);
  });

  it('has exactly one mail in the outbox for each failed payment', async () => {
    const failures = stripe.fake!.all('event').filter(({ type }) => type === 'invoice.payment_failed');
    const mails = await app
      .get(DataSource)
      .query<{ about: string }[]>('SELECT "eventId" AS about FROM outbound_mail');
    expect(mails.map(({ about }) => about).sort()).toEqual(failures.map(({ id }) => id).sort());
  });

  it('loses webhooks, and Stripe for a while, and says what polling has brought', async () => {
    await until(() => said.some((line) => line.startsWith('Ctrl-C')));
    const dropped = stripe.fake!.deliveries.count({ outcome: 'dropped' });
    expect(dropped).toBeGreaterThan(0);
    const text = said.join('\n');
    expect(text).toMatch(new RegExp(`${dropped} webhooks were lost.*Polling has brought [1-9]\\d* events`));
    expect(text).toContain('a reconciliation of stripe after that has found nothing');
    expect(text).toContain('a reconciliation of crm after that has found nothing');
  });

  it('says so, with commands that can be pasted', async () => {
    await until(() => said.some((line) => line.startsWith('Ctrl-C')));
    expect(said.join('\n')).toContain(`all ${found!.rows} rows equal to Stripe's`);
    const { port } = app.getHttpServer().address() as { port: number };
    expect(said.join('\n')).toContain(`curl http://localhost:${port}/customers/cus_`);
  });

  it('answers what it is asked for, and makes what it is told to happen at Stripe', async () => {
    const api = request(app.getHttpServer());
    const { body: invoices } = await api.get('/invoices?status=open').expect(200);
    const open = invoices.find(({ customer }: { customer: unknown }) => customer !== null);
    expect(open.lines.length).toBeGreaterThan(0);
    const { body: customer } = await api.get(`/customers/${open.customerId}`).expect(200);
    expect(customer.email).toBe(stripe.fake!.get('customer', open.customerId)!.email);

    const { body: made } = await api.post(`/simulate/invoices/${open.id}/fail`).expect(201);
    const failure = made.events.find(({ type }: { type: string }) => type === 'invoice.payment_failed');
    await until(async () => {
      const { body: mails } = await api.get('/outbox').expect(200);
      return mails.some(({ eventId }: { eventId: string }) => eventId === failure.id);
    });
    const { text } = await api.get(`/explain/${failure.id}`).expect(200);
    expect(text).toContain('Done by DunningHandler.remind');

    await api.post('/simulate/invoices/in_none/fail').expect(404);
    await api.post(`/simulate/invoices/${open.id}/eat`).expect(400);
  });

  it('tells Stripe what sales changes as it happens, and writes nothing on either side after that', async () => {
    await quiet();
    const account = accounts().at(-1)!;
    const owner = org.create('User', { Name: 'Mallory', IsActive: true }).Id;
    org.update(account.Id, { BillingCity: 'Quito', OwnerId: owner });
    await until(() => {
      const customer = stripe.fake!.get('customer', account.Stripe_Id__c)!;
      return customer.address?.city === 'Quito' && customer.metadata.owner === owner;
    });
    const about = { source: 'crm', recordId: account.Id, type: 'Account.updated' };
    expect(await app.get(DataSource).getRepository(SyncEventEntity).countBy(about)).toBeGreaterThan(0);

    await quiet();
    const written = writes();
    await quiet();
    await quiet();
    expect(writes()).toEqual(written);
  });

  it('tells Stripe nothing of an account that nobody has changed', async () => {
    const { id } = stripe.fake!.create('customer', { name: 'Nobody Special', email: 'n@example.com' });
    await until(() => org.all('Contact').some(({ Stripe_Id__c }) => Stripe_Id__c === id));
    await quiet();
    expect(accounts().some(({ Stripe_Id__c }) => Stripe_Id__c === id)).toBe(true);
    expect(stripe.fake!.requests.count({ method: 'POST', path: `/v1/customers/${id}` })).toBe(0);
  });

  it('deletes the contact of a customer that leaves, and keeps the account with what belongs to it', async () => {
    const invoice = stripe.fake!.all('invoice').findLast(({ customer }) => {
      return accounts().some(({ Stripe_Id__c }) => Stripe_Id__c === customer);
    })!;
    const left = accounts().find(({ Stripe_Id__c }) => Stripe_Id__c === invoice.customer)!;
    stripe.fake!.delete('customer', left.Stripe_Id__c);
    await until(() => org.get(left.Id)?.Left_Stripe__c === true);
    await quiet();
    expect(org.all('Contact').some(({ AccountId }) => AccountId === left.Id)).toBe(false);
    const kept = org.all('Invoice__c').find(({ Stripe_Id__c }) => Stripe_Id__c === invoice.id);
    expect(kept).toMatchObject({ Account__c: left.Id });
  });

  it('signs and delivers an event made by hand, and does not believe what it claims', async () => {
    const api = request(app.getHttpServer());
    const customer = stripe.fake!.all('customer').at(-1)!;
    const about = { id: customer.id, object: 'customer', email: 'forged@example.com' };
    const event = { id: 'evt_mine', object: 'event', type: 'customer.updated', data: { object: about } };
    const { body } = await api.post('/simulate/deliver').send(event).expect(200);
    expect(body).toMatchObject({ status: 200, answer: { received: true } });
    expect(body.explanation.join('\n')).toContain('completed');
    const { body: known } = await api.get(`/customers/${customer.id}`).expect(200);
    expect(known.email).toBe(customer.email);
  });

  it('prints a curl whose signature is good', async () => {
    const api = request(app.getHttpServer());
    const { text } = await api.get('/simulate/curl').expect(200);
    const headers = Object.fromEntries(
      [...text.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, value]) => [name, value]),
    );
    const body = / -d '(.+)'/.exec(text)![1]!;
    await api.post('/webhooks/stripe').set(headers).send(body).expect(200);
    await api.post('/webhooks/stripe').set(headers).send(body.replace('forged', 'other')).expect(401);
  });

  function accounts() {
    return org.all('Account').filter(({ Left_Stripe__c }) => !Left_Stripe__c);
  }

  /** Requests that write, at Stripe and at the CRM. */
  function writes(): number[] {
    return [
      stripe.fake!.requests.count(({ method }) => method !== 'GET'),
      org.requests.count(({ method, path }) => method !== 'GET' && path.includes('/sobjects')),
    ];
  }

  /** Both sides have been polled, and nothing waits. */
  async function quiet(): Promise<void> {
    const sync = app.get(SyncService);
    const events = app.get(DataSource).getRepository(SyncEventEntity);
    await until(async () => {
      await Promise.all([stripe.fake!.flush(), org.flush()]);
      const polled = [...(await sync.poll({ source: 'stripe' })), ...(await sync.poll({ source: 'crm' }))];
      await sync.idle();
      return polled.every(({ found }) => found === 0) && !(await events.existsBy({ state: 'waiting' }));
    });
  }
});
