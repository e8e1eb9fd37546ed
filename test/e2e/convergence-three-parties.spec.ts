import fc from 'fast-check';
import { SyncModule } from 'nestjs-hybrid-sync';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import Stripe from 'stripe';
import { Copy, copyOf } from '../support/copies.js';
import {
  ACCOUNT_FIELDS,
  AccountCopy,
  accountsOf,
  accountsOfCustomers,
  atStripe,
  CityHandler,
  copiesOfAccounts,
  defineAccount,
  rowOf,
} from '../support/crm-application.js';
import { crmHistory } from '../support/crm-history.js';
import { CrmStage } from '../support/crm-stage.js';
import { crmParty, stripeParty } from '../support/parties.js';
import { sourceAt, startOrg } from '../support/salesforce.js';
import { quick } from '../support/scenario.js';
import { patient, World } from '../support/world.js';

/** A history of three takes as long as three of one: `CONVERGENCE_RUNS=300` are a hundred. */
const RUNS = Math.ceil(Number(process.env.CONVERGENCE_RUNS ?? 12) / 3);
const SEED = Number(process.env.CONVERGENCE_SEED ?? Date.now() & 0x7fffffff);

const SECRET = 'a-secret-of-the-endpoint';
const SOURCES = ['stripe', 'crm'];

/** So often can one's writing be an answer to the other's. */
const MOST_ROUNDS = 12;

const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();

describe('whatever happens between Stripe, Salesforce and an application, all is right in the end', () => {
  let org: FakeSalesforce;
  let world: World;

  beforeAll(async () => {
    org = await startOrg();
    // As far behind the host's clock as it may be.
    org.clock.offsetMs = -1_500;
    defineAccount(org);
    const optionsOf = () => ({
      ...quick,
      providers: [CityHandler],
      entities: [Copy, AccountCopy],
      mirrors: [copyOf('customer'), accountsOfCustomers, copiesOfAccounts],
      source: { ...patient, mode: 'hybrid' as const },
      imports: [
        SyncModule.forFeature({
          sources: {
            crm: sourceAt(org, {
              ...patient,
              objects: { Account: { fields: ACCOUNT_FIELDS } },
              changeDataCapture: true,
              outboundMessages: { organizationId: org.orgId, secrets: [SECRET] },
            }),
          },
        }),
      ],
      sync: { ...quick.sync, missingConfirmMs: 40, leaseMs: 50_000 },
    });
    world = await World.of(optionsOf, ({ stripe }) => [stripeParty(stripe), crmParty(org, SECRET)]);
    const { apiKey, connection } = world.hosts[0].stripe;
    atStripe.api = new Stripe(apiKey, { ...connection, telemetry: false, maxNetworkRetries: 0 });
  });
  afterAll(async () => {
    await world?.close();
    await org?.close();
  });

  function writes(): number {
    const { stripe } = world.hosts[0];
    return (
      stripe.requests.count(({ method }) => method !== 'GET') +
      org.requests.count(({ method, path }) => method !== 'GET' && path.includes('/sobjects'))
    );
  }

  /** Until nobody writes any more. */
  async function quiet(): Promise<void> {
    for (let round = 1; ; round++) {
      const before = writes();
      // Only seconds that are over are read.
      world.wait(5_000);
      await world.settle();
      if (writes() === before) return;
      if (round === MOST_ROUNDS) throw new Error('each answers what the other writes, for ever');
    }
  }

  async function expectAllRight(mayBeStale: boolean): Promise<void> {
    const [{ stripe, dataSource }] = world.hosts;
    const customers = stripe.all('customer').map(({ id, name, address }) => {
      return { id, name: name as string, city: (address as { city: string | null } | null)?.city ?? null };
    });
    const accounts = accountsOf(org);
    const copies = await world.surely(() => dataSource.getRepository(Copy).find());
    expect(sorted(copies.map(({ stripeId: id, name }) => ({ id, name })))).toEqual(
      sorted(customers.map(({ id, name }) => ({ id, name }))),
    );
    const copied = await world.surely(() => dataSource.getRepository(AccountCopy).find());
    expect(sorted(copied.map(({ id, name, city, phone }) => ({ id, name, city, phone })))).toEqual(
      sorted(accounts.map((account) => ({ id: account.Id, ...rowOf(account) }))),
    );
    const cities = new Map(accounts.map((account) => [account.Stripe_Id__c, account.BillingCity]));
    const ofCustomers = accounts.filter((account) => account.Stripe_Id__c !== null);
    expect(
      sorted(
        ofCustomers.map((account) => {
          return { id: account.Stripe_Id__c, name: account.Name, city: account.BillingCity };
        }),
      ),
    ).toEqual(
      sorted(
        customers.map(({ id, name, city }) => {
          // An account that was taken for its customer's loss, and came again, has no city any more.
          return { id, name, city: mayBeStale && !cities.get(id) ? null : city };
        }),
      ),
    );
  }

  it(`in ${RUNS} histories (seed ${SEED})`, async () => {
    const [{ stripe }] = world.hosts;
    let number = 0;
    let everStale = false;
    const property = fc.asyncProperty(crmHistory, async (steps) => {
      number += 1;
      for (const { requests } of [stripe, org]) requests.clear();
      Object.assign(stripe.faults, { duplicateRate: 0.3, reorder: true, delayMs: [0, 20], slowMs: [0, 15] });
      Object.assign(org.faults, { duplicateRate: 0.3, slowMs: [0, 15] });
      const stage = new CrmStage(world, org, number);
      for (const next of steps) {
        world.passed(false);
        await stage.take(next);
      }
      world.passed(true);
      await world.calm();
      stage.unlock();
      // Longer than any pause that a provider is given.
      world.wait(61_000);
      await quiet();
      const isStale = steps.some((step) => step.do === 'stale');
      everStale ||= isStale;
      if (isStale) {
        for (const source of SOURCES) await world.reconcile(source);
        await quiet();
      }
      await expectAllRight(everStale);
      // It lists everything: not after each of hundreds.
      if (number % 10 === 0 || number === RUNS)
        for (const source of SOURCES)
          expect(await world.reconcile(source)).toMatchObject({ state: 'completed', findings: {} });

      const written = writes();
      world.wait(600_000);
      await world.settle();
      expect(writes()).toBe(written);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  }, 600_000);
});
