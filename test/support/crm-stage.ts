import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import type { CrmStep } from './crm-history.js';
import { isHappening } from './happenings.js';
import type { World } from './world.js';

/** The customers and accounts that one history is about, and what happens to them. */
export class CrmStage {
  /** By their places. Stripe gives no id twice, so one that comes after a deleted one has another. */
  private readonly customers = new Map<number, number>();
  /** Accounts that Stripe knows nothing of, by their places. */
  private readonly own = new Map<number, string>();
  /** Accounts that a transaction has, until it commits: nobody else can write to them. */
  private readonly taken = new Set<string>();
  private readonly locked = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly org: FakeSalesforce,
    private readonly number: number,
  ) {}

  async take(next: CrmStep): Promise<void> {
    if (isHappening(next)) return this.world.take(next);
    const [{ stripe }] = this.world.hosts;
    const { org } = this;
    switch (next.do) {
      case 'customer':
        return this.changeCustomer(next);
      case 'person':
        return this.changeAccount(next);
      case 'bin':
        return this.bin(next.at);
      case 'transaction':
        return this.begin(next);
      case 'lock':
        return this.lock(next.at, next.times);
      case 'session over':
        return org.expireSessions();
      case 'stale':
        stripe.faults.staleReads = next.reads;
        return;
      case 'answer lost':
        return next.source === 'stripe'
          ? stripe.faults.failNext({ match: { method: 'POST' }, disconnect: true, afterWork: true })
          : org.faults.failNext({ match: { method: 'PATCH' }, disconnect: true, afterWork: true });
      case 'held':
        return this.hold(next.what, next.steps);
    }
  }

  unlock(): void {
    this.locked.forEach((id) => this.org.unlock(id));
  }

  private changeCustomer({ at, name, remove, lost }: CrmStep & { do: 'customer' }): void {
    const [{ stripe }] = this.world.hosts;
    const delivery = lost ? 'lost' : 'sent';
    const id = this.customerAt(at);
    if (stripe.get('customer', id) === null) stripe.create('customer', { id, name }, { delivery });
    else if (remove) {
      stripe.delete('customer', id, { delivery });
      this.customers.set(at, (this.customers.get(at) ?? 0) + 1);
    } else stripe.update('customer', id, { name }, { delivery });
  }

  private customerAt(at: number): string {
    return `customer_${this.number}_${at}_${this.customers.get(at) ?? 0}`;
  }

  private changeAccount({ whose, at, set }: CrmStep & { do: 'person' }): void {
    const id = this.accountAt(whose, at);
    if (id !== null && !this.taken.has(id)) this.org.update(id, set);
    else if (whose === 'own' && !this.own.has(at))
      this.own.set(at, this.org.create('Account', { Name: 'own', ...set }).Id);
  }

  /** One that is there; a customer's has to be made by the application. */
  private accountAt(whose: 'customer' | 'own', at: number): string | null {
    if (whose === 'own') return this.org.get(this.own.get(at) ?? '')?.Id ?? null;
    const customer = this.customerAt(at);
    return this.org.all('Account').find((account) => account.Stripe_Id__c === customer)?.Id ?? null;
  }

  private bin(at: number): void {
    const id = this.own.get(at);
    if (id === undefined || this.taken.has(id)) return;
    if (this.org.get(id)) this.org.delete(id);
    else this.org.undelete(id);
  }

  private begin({ whose, at, city, steps }: CrmStep & { do: 'transaction' }): void {
    const { org, taken } = this;
    const id = this.accountAt(whose, at);
    const transaction = org.transaction();
    if (id !== null && !taken.has(id)) {
      transaction.update(id, { BillingCity: city });
      taken.add(id);
      org.lock(id);
      this.world.after(steps, () => {
        transaction.commit();
        taken.delete(id);
        org.unlock(id);
      });
    } else if (whose === 'own' && !this.own.has(at)) {
      const created = transaction.create('Account', { Name: 'own', BillingCity: city });
      this.own.set(at, created);
      taken.add(created);
      this.world.after(steps, () => {
        transaction.commit();
        taken.delete(created);
      });
    }
  }

  private lock(at: number, times: number): void {
    const id = this.accountAt('customer', at);
    if (id === null || this.taken.has(id)) return;
    this.org.lock(id, times);
    this.locked.add(id);
  }

  /** Writes wait before they are done, and what was read grows old. */
  private hold(what: 'city' | 'account' | 'reading', steps: number): void {
    const [{ stripe }] = this.world.hosts;
    const held =
      what === 'city'
        ? stripe.hold({ method: 'POST', path: /^\/v1\/customers/ }, 'arrival')
        : what === 'account'
          ? this.org.hold({ method: 'PATCH' }, 'arrival')
          : this.org.hold(({ query }) => / WHERE Id IN /.test(query.q ?? ''));
    this.world.after(steps, () => held.release());
  }
}
