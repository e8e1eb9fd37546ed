import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { SyncEventEntity } from 'nestjs-hybrid-sync';
import { DataSource } from 'typeorm';
import { CrmOrg } from '../crm/crm-org';
import { ChangeLog } from '../stripe/change-log';
import { StripeAccount } from '../stripe/stripe-account';
import { crmLatencies } from './crm-latencies';
import { latencies, type Latencies } from './latencies';

/** How things stand. */
export interface Account {
  /** Records changed at Stripe, API calls, webhooks sent and how many of them for the second time: the fake's. */
  readonly changes: number;
  readonly calls: number;
  readonly delivered: number;
  readonly duplicates: number;
  /** Events in the inbox, by state. */
  readonly events: Readonly<Record<string, number>>;
  readonly latencies: Latencies;
  /** The same to the CRM, and the calls to it; null: it is a real one. */
  readonly crm: { readonly latencies: Latencies; readonly calls: number } | null;
}

@Injectable()
export class AccountReader {
  constructor(
    private readonly stripe: StripeAccount,
    private readonly crm: CrmOrg,
    private readonly changes: ChangeLog,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  async read(): Promise<Account> {
    const { fake } = this.stripe;
    const { entries } = this.changes;
    return {
      changes: entries.length,
      calls: fake?.requests.length ?? 0,
      delivered: fake?.deliveries.count({ outcome: 'delivered' }) ?? 0,
      duplicates: fake?.deliveries.count({ outcome: 'delivered', duplicate: true }) ?? 0,
      events: await this.events(),
      latencies: await latencies(this.dataSource, entries),
      crm: this.crm.fake && {
        latencies: crmLatencies(this.crm.fake, entries),
        calls: this.crm.fake.requests.length,
      },
    };
  }

  private async events(): Promise<Record<string, number>> {
    const rows = await this.dataSource
      .getRepository(SyncEventEntity)
      .createQueryBuilder('event')
      .select('event.state', 'state')
      .addSelect('count(*)::int', 'count')
      .groupBy('event.state')
      .getRawMany<{ state: string; count: number }>();
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }
}
