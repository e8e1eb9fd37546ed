import { isDeepStrictEqual } from 'node:util';
import type { FakeSalesforce, FakeStripe } from 'nestjs-hybrid-sync/testing';
import type Stripe from 'stripe';
import type { DataSource } from 'typeorm';
import { Customer } from '../billing/customer.entity';
import { InvoiceLine } from '../billing/invoice-line.entity';
import { Invoice } from '../billing/invoice.entity';
import { OutboundMail } from '../billing/outbound-mail.entity';
import { customerRow, invoiceRow, lineRows, subscriptionRow } from '../billing/rows';
import { Subscription } from '../billing/subscription.entity';
import { compareCrm } from './crm.comparison';

/** What has come of holding every local row against Stripe. */
export class Comparison {
  /** Rows that are right, by table. */
  readonly equal: Record<string, number> = {};
  /** A line for each row that is missing, one too many or different. */
  readonly differences: string[] = [];

  get rows(): number {
    return Object.values(this.equal).reduce((sum, rows) => sum + rows, 0);
  }

  add(table: string, expected: readonly Row[], local: readonly Row[]): void {
    const missing = new Map(expected.map((row) => [row.id, row]));
    this.equal[table] = 0;
    for (const row of local) {
      const record = missing.get(row.id);
      missing.delete(row.id);
      if (isDeepStrictEqual(plain(row), plain(record))) this.equal[table] += 1;
      else this.differences.push(`${table}: ${show(row)} here, ${show(record)} at Stripe`);
    }
    for (const record of missing.values())
      this.differences.push(`${table}: nothing here, ${show(record)} at Stripe`);
  }
}

interface Row {
  id: string;
}

/**
 * Customers, subscriptions, invoices and lines against the records; mails against the failures they are about; what is in the
 * CRM, and what the CRM has changed.
 */
export async function compare(
  fake: FakeStripe,
  dataSource: DataSource,
  org: FakeSalesforce | null,
): Promise<Comparison> {
  const recordsOf = <T>(type: string) => fake.all(type) as unknown as T[];
  const customers = recordsOf<Stripe.Customer>('customer');
  const subscriptions = recordsOf<Stripe.Subscription>('subscription');
  const invoices = recordsOf<Stripe.Invoice>('invoice');
  const failures = recordsOf<Stripe.Event>('event').filter(
    (event) => event.type === 'invoice.payment_failed',
  );
  const mails = await dataSource.getRepository(OutboundMail).find();

  const found = new Comparison();
  found.add('customers', customers.map(customerRow), await dataSource.getRepository(Customer).find());
  found.add(
    'subscriptions',
    subscriptions.map(subscriptionRow),
    await dataSource.getRepository(Subscription).find(),
  );
  found.add('invoices', invoices.map(invoiceRow), await dataSource.getRepository(Invoice).find());
  found.add('lines', invoices.flatMap(lineRows), await dataSource.getRepository(InvoiceLine).find());
  found.add(
    'mails',
    failures.map(({ id, data }) => ({ id, invoiceId: data.object.id })),
    mails.map(({ eventId, invoiceId }) => ({ id: eventId, invoiceId })),
  );
  if (org) compareCrm(found, org, { customers, subscriptions, invoices });
  return found;
}

/** Without its class, and without relations that were not loaded. */
function plain(row: Row | undefined): unknown {
  return row && JSON.parse(JSON.stringify(row));
}

function show(row: Row | undefined): string {
  return row ? JSON.stringify(row) : 'nothing';
}
