import type { FakeSalesforce, FakeStripe, SalesforceRecord, StripeObject } from 'nestjs-hybrid-sync/testing';
import type { ChangedRecord } from '../stripe/change-log';
import { invoiceActions } from '../stripe/invoice-actions';
import type { Chance } from './chance';

/** What there is at Stripe to go on with. */
export interface Scene {
  readonly fake: FakeStripe;
  /** `null`: the CRM is a real one. */
  readonly org: FakeSalesforce | null;
  readonly chance: Chance;
  readonly price: string;
  /** What has changed so far. */
  readonly changed: readonly ChangedRecord[];
}

/** Something that happens at Stripe, and the records that it changes; none, if there is nothing to do it to. */
export interface Happening {
  readonly weight: number;
  happen(scene: Scene): ChangedRecord[];
}

const cities = ['Berlin', 'Boston', 'Lagos', 'Lima', 'London', 'Osaka', 'Paris', 'Pune'];

const names = [
  'Ada Lovelace',
  'Alan Turing',
  'Barbara Liskov',
  'Edsger Wybe Dijkstra',
  'Frances Allen',
  'Grace Hopper',
  'Ken Thompson',
  'Margaret Hamilton',
  'Niklaus Wirth',
  'Radia Perlman',
];

export const happenings: readonly Happening[] = [
  {
    weight: 10,
    happen({ fake, chance }) {
      const name = chance.pick(names)!;
      const email = `${name.split(' ')[0]!.toLowerCase()}.${chance.upTo(9_999)}@example.com`;
      return [customer(fake.create('customer', { name, email }).id)];
    },
  },
  {
    weight: 8,
    happen(scene) {
      const { fake, chance } = scene;
      const known = drawn(scene, 'customer');
      if (!known) return [];
      fake.update('customer', known.id, { email: `moved.${chance.upTo(9_999)}@example.com` });
      return [customer(known.id)];
    },
  },
  {
    weight: 12,
    happen(scene) {
      const { fake, chance, price } = scene;
      const known = drawn(scene, 'customer');
      if (!known) return [];
      const payment = chance.pick(['succeeds', 'succeeds', 'fails', 'pending'] as const);
      const started = fake.createSubscription({
        customer: known.id,
        price,
        quantity: chance.upTo(5),
        payment,
      });
      return [
        subscription(started.subscription.id),
        ...(started.invoice ? [invoice(started.invoice.id)] : []),
      ];
    },
  },
  {
    weight: 6,
    happen(scene) {
      const { fake, chance } = scene;
      const running = drawn(scene, 'subscription', ({ status }) => status !== 'canceled');
      if (!running) return [];
      const item = { id: String(running.items.data[0].id), quantity: chance.upTo(20) };
      fake.update('subscription', running.id, { items: [item] });
      return [subscription(running.id)];
    },
  },
  {
    weight: 8,
    happen(scene) {
      const { fake, chance } = scene;
      const running = drawn(scene, 'subscription', ({ status }) => status === 'active');
      if (!running) return [];
      const payment = chance.pick(['succeeds', 'succeeds', 'fails'] as const);
      const renewed = fake.renewSubscription(running.id, { payment });
      return [subscription(running.id), invoice(renewed.invoice.id)];
    },
  },
  {
    weight: 5,
    happen(scene) {
      const { fake, chance } = scene;
      const buyer = drawn(scene, 'customer');
      if (!buyer) return [];
      // Some with more lines than Stripe shows at once.
      const lines = Array.from({ length: chance.upTo(15) }, (_, i) => {
        return { amount: 100 * chance.upTo(50), description: `Item ${i + 1}` };
      });
      return [invoice(fake.create('invoice', { customer: buyer.id, lines }).id)];
    },
  },
  {
    weight: 7,
    happen(scene) {
      const { fake } = scene;
      const unpaid = drawn(scene, 'invoice', isUnpaid);
      if (!unpaid) return [];
      fake.payInvoice(unpaid.id);
      return [invoice(unpaid.id)];
    },
  },
  {
    weight: 6,
    happen(scene) {
      const { fake } = scene;
      const unpaid = drawn(scene, 'invoice', isUnpaid);
      if (!unpaid) return [];
      fake.failInvoicePayment(unpaid.id);
      return [invoice(unpaid.id)];
    },
  },
  {
    weight: 3,
    happen(scene) {
      const { fake } = scene;
      const open = drawn(scene, 'invoice', ({ status }) => status === 'open');
      if (!open) return [];
      invoiceActions.void(fake, open.id);
      return [invoice(open.id)];
    },
  },
  {
    weight: 2,
    happen(scene) {
      const { fake } = scene;
      const draft = drawn(scene, 'invoice', ({ status }) => status === 'draft');
      if (!draft) return [];
      fake.delete('invoice', draft.id);
      return [invoice(draft.id)];
    },
  },
  {
    weight: 3,
    happen(scene) {
      const { fake, chance } = scene;
      const running = drawn(scene, 'subscription', ({ status }) => status === 'active');
      if (!running) return [];
      fake.cancelSubscription(running.id, { atPeriodEnd: chance.next() < 0.5 });
      return [subscription(running.id)];
    },
  },
  {
    weight: 2,
    happen(scene) {
      const { fake, org } = scene;
      // One of whom nobody has heard leaves no account that an invoice could belong to.
      const known = org && new Set(accountsOf(org).map(({ Stripe_Id__c }) => Stripe_Id__c));
      const leaver = drawn(scene, 'customer', ({ id }) => known?.has(id) ?? true);
      if (!leaver) return [];
      // Stripe ends the subscriptions first.
      const ended = fake
        .all('subscription')
        .filter((other) => other.customer === leaver.id && other.status !== 'canceled');
      fake.delete('customer', leaver.id);
      return [customer(leaver.id), ...ended.map(({ id }) => subscription(id))];
    },
  },
  {
    weight: 5,
    happen(scene) {
      moveAnAccount(scene);
      return [];
    },
  },
  {
    weight: 5,
    happen(scene) {
      handOverAnAccount(scene);
      return [];
    },
  },
];

/** Sales hears of a move before Stripe does. */
export function moveAnAccount({ org, chance }: Scene): void {
  const account = chance.pick(accountsOf(org));
  if (account) org!.update(account.Id, { BillingCity: chance.pick(cities)! });
}

/** Someone in sales takes over from another. */
export function handOverAnAccount({ org, chance }: Scene): void {
  const account = chance.pick(accountsOf(org));
  const sales = org?.all('User').filter(({ Id }) => Id !== account?.CreatedById);
  if (account && sales) org!.update(account.Id, { OwnerId: chance.pick(sales)!.Id });
}

function accountsOf(org: FakeSalesforce | null): SalesforceRecord[] {
  return org?.all('Account').filter(({ Left_Stripe__c }) => !Left_Stripe__c) ?? [];
}

/** One that exists and is as wanted, found by a few draws: to look at all of them takes the more time the more there are. */
function drawn(
  { fake, chance, changed }: Scene,
  resource: ChangedRecord['resource'],
  isWanted: (record: StripeObject) => boolean = () => true,
): StripeObject | undefined {
  const known = changed.filter((record) => record.resource === resource);
  for (let draws = 0; draws < 10; draws++) {
    const record = fake.get(resource, chance.pick(known)?.id ?? '');
    if (record && isWanted(record)) return record;
  }
  return undefined;
}

function isUnpaid({ status }: StripeObject): boolean {
  return status === 'draft' || status === 'open';
}

function customer(id: string): ChangedRecord {
  return { resource: 'customer', id };
}

function subscription(id: string): ChangedRecord {
  return { resource: 'subscription', id };
}

function invoice(id: string): ChangedRecord {
  return { resource: 'invoice', id };
}
