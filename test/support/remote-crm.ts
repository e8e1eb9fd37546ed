import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { Effect, quick } from './scenario.js';

interface Call {
  name: string;
  key: string;
  attempt: number;
  email?: string | null;
}

/** A system elsewhere, reached over a network: every call of it counts. */
export const remote = {
  calls: [] as Call[],

  /** What handlers do by their name, after the call has counted; by `<name> before`, before that. */
  play: {} as Record<string, (context: SyncContext) => unknown>,

  forget(): void {
    this.calls = [];
    this.play = {};
  },

  /** Who was written there, in turn. */
  emails(): string[] {
    return this.calls.map(({ email }) => email ?? 'gone');
  },

  async push(name: string, context: SyncContext, email?: string | null): Promise<void> {
    await this.play[`${name} before`]?.(context);
    this.calls.push({ name, key: context.idempotencyKey, attempt: context.attempt, email });
    await this.play[name]?.(context);
  },
};

/** For a host with `Crm`. */
export const elsewhere = {
  ...quick,
  entities: [Effect],
  poolSize: 3,
  sync: { ...quick.sync, maxTransactions: 1 },
};

/** What a host does elsewhere: for each event of a product, and with each customer. */
@Injectable()
export class Crm {
  @OnSyncEvent('stripe', 'product.*', { name: 'tell', transaction: 'none', timeoutMs: 5_000 })
  tell(_event: SyncEvent, context: SyncContext) {
    return remote.push('tell', context);
  }

  @OnSyncChange('stripe', 'customer', { name: 'contact', transaction: 'none' })
  contact({ data }: SyncChange<{ email: string | null }>, context: SyncContext) {
    return remote.push('contact', context, data?.email);
  }
}
