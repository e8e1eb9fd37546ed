import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnStripeChange, OnStripeEvent } from 'nestjs-hybrid-sync/stripe';
import { handlerMetadataOf } from '../../lib/handlers/handler.metadata.js';
import { complaints } from '../support/compiler.js';

describe('the decorators', () => {
  const requires = () => [];
  class Billing {
    @OnStripeEvent('invoice.paid')
    one() {}

    @OnStripeEvent(['invoice.*', 'charge.refunded'], { source: 'stripeEu', name: 'dun', hydrate: false })
    several() {}

    @OnStripeChange('invoice', { requires })
    @OnStripeChange('customer', { source: 'stripeEu', transaction: 'none' })
    changes() {}
  }

  it('leave what OnSyncEvent leaves, for the provider and the source that is named', () => {
    expect(handlerMetadataOf(Billing.prototype.one)).toEqual([
      { kind: 'event', source: { provider: 'stripe' }, patterns: ['invoice.paid'], options: {} },
    ]);
    expect(handlerMetadataOf(Billing.prototype.several)).toEqual([
      {
        kind: 'event',
        source: { provider: 'stripe', source: 'stripeEu' },
        patterns: ['invoice.*', 'charge.refunded'],
        options: { source: 'stripeEu', name: 'dun', hydrate: false },
      },
    ]);
  });

  it('leave what OnSyncChange leaves', () => {
    expect(handlerMetadataOf(Billing.prototype.changes)).toEqual([
      {
        kind: 'change',
        source: { provider: 'stripe', source: 'stripeEu' },
        resource: 'customer',
        options: { source: 'stripeEu', transaction: 'none' },
      },
      { kind: 'change', source: { provider: 'stripe' }, resource: 'invoice', options: { requires } },
    ]);
  });
});

describe('the types', () => {
  it('let every right use compile, and no wrong one', () => {
    const file = join(process.cwd(), 'test/unit/types/wrong-uses.ts');
    expect(complaints([file])).toBe('');
    expect(readFileSync(file, 'utf8').match(/@ts-expect-error/g)!.length).toBeGreaterThan(20);
  }, 180_000); // The compiler takes seconds, and more where others are busy.
});
