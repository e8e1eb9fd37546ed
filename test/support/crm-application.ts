import { Injectable } from '@nestjs/common';
import { mirror, SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { OnSalesforceChange, salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce, StripeObject } from 'nestjs-hybrid-sync/testing';
import Stripe from 'stripe';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { mayFail } from './copies.js';

/** Stripe's customers are accounts in the CRM; their names are Stripe's, and their cities the CRM's. */

export interface Account {
  readonly Id: string;
  readonly Name: string;
  readonly BillingCity: string | null;
  readonly Phone: string | null;
  readonly Stripe_Id__c: string | null;
}

export const ACCOUNT_FIELDS = ['Name', 'BillingCity', 'Phone', 'Stripe_Id__c'];

/** What of an account stands at the host. */
@Entity({ name: 'account_copy' })
export class AccountCopy {
  @PrimaryColumn({ type: 'varchar', length: 18 })
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  city!: string | null;

  @Column('text', { nullable: true })
  phone!: string | null;
}

export function defineAccount(org: FakeSalesforce): void {
  org.defineObject('Account', {
    fields: { Stripe_Id__c: { type: 'string', length: 120, externalId: true, caseSensitive: true } },
  });
}

export function accountsOf(org: FakeSalesforce): Account[] {
  return org.all('Account').map((account) => account as Record<string, any> as Account);
}

export function rowOf({ Name, BillingCity, Phone }: Omit<Account, 'Id'>) {
  return { name: Name, city: BillingCity, phone: Phone };
}

export const accountsOfCustomers = mirror('stripe', 'customer', {
  to: salesforceObject('crm', 'Account', { externalId: 'Stripe_Id__c' }),
  map: ({ name }: StripeObject) => {
    mayFail();
    return { Name: name as string };
  },
});

export const copiesOfAccounts = mirror('crm', 'Account', {
  to: AccountCopy,
  key: ['id'],
  map: (account: Account) => {
    mayFail();
    return rowOf(account);
  },
});

/** Where cities go; the host's own client, made when its Stripe is there. */
export const atStripe: { api?: Stripe } = {};

/** What a person in the org says of a customer's city reaches Stripe. */
@Injectable()
export class CityHandler {
  @OnSalesforceChange<Account>('Account', { name: 'city', transaction: 'none' })
  async move({ data }: SyncChange<Account>, { idempotencyKey }: SyncContext): Promise<void> {
    if (!data?.Stripe_Id__c || !data.BillingCity) return;
    mayFail();
    try {
      const address = { city: data.BillingCity };
      await atStripe.api!.customers.update(data.Stripe_Id__c, { address }, { idempotencyKey });
    } catch (error) {
      // Deleted at Stripe meanwhile.
      if ((error as { code?: string }).code !== 'resource_missing') throw error;
    }
    mayFail();
  }
}
