import { Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

const seen: { instance: object; request?: unknown; context?: unknown; ready: boolean }[] = [];

@Injectable({ scope: Scope.REQUEST })
class Tenant {
  constructor(@Inject(REQUEST) readonly context: SyncContext) {}
}

@Injectable({ scope: Scope.REQUEST })
class PerCall {
  readonly ready = true;

  constructor(@Inject(REQUEST) private readonly request: SyncContext) {}

  @OnSyncEvent('stripe', 'customer.*')
  event(_event: SyncEvent, context: SyncContext) {
    seen.push({ instance: this, request: this.request, context, ready: this.ready });
  }
}

/** Not scoped itself, but what it needs is. */
@Injectable()
class Behind {
  readonly ready = true;

  constructor(private readonly tenant: Tenant) {}

  @OnSyncChange('stripe', 'product')
  change(_change: SyncChange, context: SyncContext) {
    seen.push({ instance: this, request: this.tenant.context, context, ready: this.ready });
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Passing {
  readonly ready = true;

  @OnSyncEvent('stripe', 'coupon.*')
  event() {
    seen.push({ instance: this, ready: this.ready });
  }
}

describe('handlers of providers that are not singletons', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Tenant, PerCall, Behind, Passing] });
  });
  afterAll(() => host?.close());
  beforeEach(() => void seen.splice(0));

  async function twice(type: string) {
    for (let i = 0; i < 2; i++) {
      const object = host.stripe.create(type, {}, { delivery: 'unlogged' });
      await send(host, object);
      await settled(host);
    }
    return seen;
  }

  it.each(['customer', 'product'])(
    'are made anew for each call, with its context as their request (%s)',
    async (type) => {
      const [first, second] = await twice(type);
      expect(first!.instance).not.toBe(second!.instance);
      for (const { request, context, ready } of seen) {
        expect(request).toBe(context);
        expect((request as SyncContext).record.resource).toBe(type);
        expect(ready).toBe(true);
      }
    },
  );

  it('are whole, if they are transient', async () => {
    await twice('coupon');
    expect(seen.map(({ ready }) => ready)).toEqual([true, true]);
  });
});
