import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, Scope } from '@nestjs/common';
import {
  mirror,
  OnSyncChange,
  OnSyncEvent,
  SyncContext,
  SyncEvent,
  type Around,
  type HandlerAround,
  type HandlerCall,
} from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { Customer } from '../support/customer.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { Effect, effects, quick, send, settled, write } from '../support/scenario.js';

const customers = mirror('stripe', 'customer', {
  to: Customer,
  key: ['id'],
  map: ({ email }: Stripe.Customer) => ({ email }),
});

/** As nestjs-cls has it: what is set outside is there for all that runs inside. */
@Injectable()
class Cls {
  private readonly storage = new AsyncLocalStorage<{ tenant: string }>();

  run<T>(tenant: string, work: () => T): T {
    return this.storage.run({ tenant }, work);
  }

  get tenant(): string | undefined {
    return this.storage.getStore()?.tenant;
  }
}

@Injectable()
class Books {
  constructor(private readonly cls: Cls) {}

  async page() {
    await new Promise((resolve) => setImmediate(resolve));
    return `books of ${this.cls.tenant}`;
  }
}

/** Made for each call, inside of it. */
@Injectable({ scope: Scope.REQUEST })
class Desk {
  readonly tenant: string | undefined;

  constructor(cls: Cls) {
    this.tenant = cls.tenant;
  }
}

@Injectable()
class TenantScope implements HandlerAround {
  constructor(private readonly cls: Cls) {}

  around({ context }: HandlerCall, next: () => Promise<void>) {
    return this.cls.run(`tenant of ${context.record.connectionId}`, next);
  }
}

@Injectable()
class Billing {
  readonly seen: (string | undefined)[] = [];

  constructor(private readonly books: Books) {}

  @OnSyncEvent('stripe', 'customer.*')
  async event(event: SyncEvent, { manager, attempt }: SyncContext) {
    this.seen.push(await this.books.page());
    await write(manager, 'event', event.type);
    if (fails(attempt)) throw new Error('no luck');
  }
}

@Injectable()
class Front {
  readonly seen = seenAtFront;

  constructor(private readonly desk: Desk) {}

  @OnSyncChange('stripe', 'product', { transaction: 'none' })
  change() {
    this.seen.push(this.desk.tenant);
  }
}

const seenAtFront: (string | undefined)[] = [];
let fails: (attempt: number) => boolean;

describe('around', () => {
  let host: Host;
  beforeEach(() => {
    fails = () => false;
    seenAtFront.length = 0;
  });
  afterEach(() => host?.close());

  async function start(around: NonNullable<HostOptions['sync']>['around'], maxAttempts = 12): Promise<void> {
    host = await startHost({
      ...quick,
      providers: [Cls, Books, Desk, Billing, Front, TenantScope],
      entities: [Effect, Customer],
      mirrors: [customers],
      sync: { ...quick.sync, around },
      source: { ...quick.source, maxAttempts },
    });
  }
  const change = (resource: string) => send(host, host.stripe.create(resource, {}, { delivery: 'unlogged' }));
  const marks = () => host.sql('SELECT handler, state FROM sync_mark ORDER BY 1');

  it('sees each call, of handlers and mirrors, and runs code before and after it in its transaction', async () => {
    const seen: string[] = [];
    fails = (attempt) => attempt === 1;
    await start(async (call, next) => {
      const { handler, context } = call;
      const what = call.kind === 'event' ? call.event.type : call.change.kind;
      seen.push(`${what} → ${handler}, attempt ${context.attempt}`);
      await write(context.manager, 'before', handler);
      await next();
      await write(context.manager, 'after', handler);
    });
    await change('customer');
    await settled(host);
    const mirrored = 'mirror:stripe.customer>Customer';
    expect(seen).toEqual([
      `created → ${mirrored}, attempt 1`,
      'customer.updated → Billing.event, attempt 1',
      'customer.updated → Billing.event, attempt 2',
    ]);
    // What was written around the attempt that failed is gone with it.
    expect(await effects(host)).toEqual([
      `before ${mirrored}`,
      `after ${mirrored}`,
      'before Billing.event',
      'event customer.updated',
      'after Billing.event',
    ]);
    expect(await host.count(Customer)).toBe(1);
  });

  it('may be a provider: its scope reaches the handler, and all that is injected into it', async () => {
    await start(TenantScope);
    await change('customer');
    await change('product');
    await settled(host);
    expect(host.app.get(Billing).seen).toEqual(['books of tenant of default']);
    expect(seenAtFront).toEqual(['tenant of default']);
  });

  it('counts what it throws as thrown by the handler', async () => {
    await start(async (_, next) => {
      await next();
      throw new Error('the span could not be closed');
    }, 1);
    const id = await change('customer');
    await settled(host);
    expect(await effects(host)).toEqual([]);
    expect(await host.sync.explain(id)).toMatch(/dead.*Billing\.event.*the span could not be closed/s);
  });

  it('cannot make a failure of the handler a success', async () => {
    fails = () => true;
    await start((_, next) => next().catch(() => undefined), 1);
    const id = await change('customer');
    await settled(host);
    expect(await effects(host)).toEqual([]);
    expect(await host.sync.explain(id)).toMatch(/dead.*no luck/s);
  });

  const misuses: Record<string, [Around, calls: number, message: RegExp]> = {
    'never calls next()': [() => undefined, 0, /returned without calling next\(\) for Billing\.event/],
    'calls it twice': [
      async (_, next) => {
        await next();
        await next();
      },
      1,
      /called next\(\) twice for Billing\.event/,
    ],
    'calls it twice and looks at neither': [
      (_, next) => void [next(), next()],
      1,
      /called next\(\) twice for Billing\.event/,
    ],
  };

  it.each(Object.entries(misuses))('is told clearly when it %s', async (_, [around, calls, message]) => {
    await start((call, next) => (call.handler === 'Billing.event' ? around(call, next) : next()), 1);
    const id = await change('customer');
    await settled(host);
    expect(host.app.get(Billing).seen).toHaveLength(calls);
    expect(await effects(host)).toEqual([]);
    expect(await host.sync.explain(id)).toMatch(message);
    expect(await marks()).toEqual([{ handler: 'mirror:stripe.customer>Customer', state: 'done' }]);
  });

  it('is waited for with the handler, where it does not wait itself', async () => {
    fails = (attempt) => attempt === 1;
    await start((_, next) => void next());
    await change('customer');
    await settled(host);
    await until(() => host.app.get(Billing).seen.length === 2);
    expect(await effects(host)).toEqual(['event customer.updated']);
  });
});
