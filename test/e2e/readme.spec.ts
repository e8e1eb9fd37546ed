import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SyncService } from 'nestjs-hybrid-sync';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { DataSource } from 'typeorm';
import { SYNC_DEFAULTS } from '../../lib/sync.options.js';
import { SOURCE_DEFAULTS } from '../../lib/sync.source.options.js';
import { createDatabase } from '../support/database.js';
import { defaultsIn, Document } from '../support/document.js';

const readme = new Document('README.md');
const database = await createDatabase();
const fake = await FakeStripe.start();

// All that the program does not say: that Stripe is not at api.stripe.com.
const connector = await import('nestjs-hybrid-sync/stripe');
jest.unstable_mockModule('nestjs-hybrid-sync/stripe', () => ({
  ...connector,
  stripe: (options: Parameters<typeof connector.stripe>[0]) =>
    connector.stripe({ ...fake.connection, ...options }),
}));
process.env.STRIPE_API_KEY = fake.apiKey;
process.env.STRIPE_WEBHOOK_SECRET = fake.webhookSecret;
process.env.DATABASE_URL = database.url;
const { AppModule } = (await import(join(readme.folder, 'app.module.mjs'))) as { AppModule: Type<object> };
const { Customer, OutboundMail } = (await import(join(readme.folder, 'entities.mjs'))) as Record<
  string,
  Type<{ id: string }>
>;

afterAll(async () => {
  readme.remove();
  await fake.close();
  await database.drop();
});

describe('the programs in the README', () => {
  it('compile', () => {
    const programs = [
      'app.module.ts',
      'billing.e2e.spec.ts',
      'crm.module.ts',
      'dunning.spec.ts',
      'entities.ts',
      'legacy-hook.controller.ts',
    ];
    expect([...readme.programs().keys()].sort()).toEqual(programs);
    expect(readme.complaints()).toBe('');
  }, 180_000); // The compiler takes seconds, and more where others are busy.

  describe('the first', () => {
    let app: INestApplication;
    beforeAll(async () => {
      const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
      app = testing.createNestApplication({ logger: false });
      await app.init();
      // As the host's own migrations would.
      await app.get(DataSource).synchronize();
      await app.listen(0, '127.0.0.1');
      fake.deliverTo(`${await app.getUrl()}/webhooks/stripe`);
    });
    afterAll(() => app?.close());

    it('keeps customers as they are at Stripe', async () => {
      const rows = () => app.get(DataSource).getRepository(Customer!).find();
      const { id } = fake.create('customer', { email: 'ada@example.com' });
      await arrived();
      expect(await rows()).toEqual([expect.objectContaining({ stripeId: id, email: 'ada@example.com' })]);
      fake.update('customer', id, { email: 'ada@lovelace.org' });
      await arrived();
      expect(await rows()).toEqual([expect.objectContaining({ stripeId: id, email: 'ada@lovelace.org' })]);
      fake.delete('customer', id);
      await arrived();
      expect(await rows()).toEqual([]);
    });

    it('writes one mail for each failed payment of an invoice that is still open', async () => {
      const customer = fake.create('customer').id;
      const invoices = [1, 2].map(() => fake.create('invoice', { customer, lines: [{ amount: 1_900 }] }).id);
      fake.faults.duplicateRate = 1;
      for (const invoice of invoices) fake.failInvoicePayment(invoice);
      await arrived();
      const mails = await app.get(DataSource).getRepository(OutboundMail!).find();
      expect(mails.map((mail) => (mail as unknown as { invoiceId: string }).invoiceId).sort()).toEqual(
        invoices.sort(),
      );
    });

    async function arrived(): Promise<void> {
      await fake.flush();
      await app.get(SyncService).idle();
    }
  });
});

describe('the tables in the README', () => {
  const rows = readme.rows();

  it.each([
    'lib/sync.errors.ts',
    'lib/process/process.errors.ts',
    'lib/testing/outside-writes/outside-write.error.ts',
  ])('have every code of %s', (path) => {
    const codes = new Set(readFileSync(path, 'utf8').match(/(?<=')SYNC_[A-Z_]+(?=')/g));
    expect(codes.size).toBeGreaterThan(0);
    // These end a pass and are told to nobody.
    const silent = ['SYNC_LEASE_LOST', 'SYNC_COMMIT_UNKNOWN', 'SYNC_DRAINING'];
    expect([...codes].filter((code) => !rows.has(code) && !silent.includes(code))).toEqual([]);
  });

  it('have every option, with its default', () => {
    const ofModule = { SyncOptions: '', SyncModuleExtras: '', WebhookOptions: 'webhooks.' };
    const ofSource = { SourcePolicies: '', PollPolicy: 'poll.' };
    const options = [
      ...defaultsIn('lib/sync.options.ts', ofModule),
      ...defaultsIn('lib/sync.source.options.ts', ofSource),
    ].filter(([name]) => name !== 'webhooks');
    expect(options.length).toBeGreaterThan(15);
    for (const [name, value] of options) expect([name, rows.get(name)?.[1]]).toEqual([name, value ?? '–']);
  });

  it('have the defaults that are in force', () => {
    const defaults = Object.entries({ ...SYNC_DEFAULTS, ...SOURCE_DEFAULTS });
    for (const [name, value] of defaults.filter(([, value]) => typeof value !== 'function')) {
      const said = rows.get(name)![1]!.replaceAll(/_(?=\d)|'/g, '');
      expect([name, said.slice(0, String(value).length)]).toEqual([name, String(value)]);
    }
  });

  it('lead to files that are there', () => {
    const links = readme.links();
    expect(links.length).toBeGreaterThan(2);
    expect(links.filter((path) => !existsSync(path))).toEqual([]);
  });
});
