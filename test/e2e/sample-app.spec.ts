import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { DataSource } from 'typeorm';
import { AppModule } from '../../sample-app/app.module';
import { Screen } from '../../sample-app/account/screen';
import type { Comparison } from '../../sample-app/drive/comparison';
import { Drive, DriveOptions } from '../../sample-app/drive/drive';
import { StripeAccount } from '../../sample-app/stripe/stripe-account';
import { until } from '../support/host.js';

describe('the sample application', () => {
  const said: string[] = [];
  let app: INestApplication;
  let stripe: StripeAccount;
  let found: Comparison | null;

  beforeAll(async () => {
    process.env.DATABASE_URL = process.env.TEST_DATABASE_URL;
    const testing = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(DriveOptions)
      .useValue({ changes: 120, everyMs: 15, chaos: true } satisfies DriveOptions)
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
      'CRM invoices',
      'cities',
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
    expect(text).toContain('a reconciliation after that has found nothing');
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
});
