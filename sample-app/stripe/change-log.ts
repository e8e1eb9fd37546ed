import { Injectable } from '@nestjs/common';

/** A record that has just changed at Stripe. */
export interface ChangedRecord {
  readonly resource: 'customer' | 'subscription' | 'invoice';
  readonly id: string;
}

/** Every change made at the fake Stripe, and when: what the account is measured against. */
@Injectable()
export class ChangeLog {
  readonly entries: (ChangedRecord & { readonly at: Date })[] = [];

  /** Notes what an action changes; as its time that before it, so that no part of the way is left out. */
  note(action: () => readonly ChangedRecord[]): readonly ChangedRecord[] {
    const at = new Date();
    const changed = action();
    this.entries.push(...changed.map((record) => ({ ...record, at })));
    return changed;
  }
}
