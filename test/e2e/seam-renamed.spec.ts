import { Injectable, type Provider } from '@nestjs/common';
import {
  mirror,
  OnSyncChange,
  OnSyncEvent,
  SyncChange,
  SyncContext,
  SyncEvent,
  type HandlerOptions,
  type Mirror,
} from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { Customer } from '../support/customer.js';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, quick, send, settled } from '../support/scenario.js';

const mirrorWith = (options: HandlerOptions): Mirror =>
  mirror('stripe', 'customer', {
    to: Customer,
    key: ['id'],
    map: ({ email }: Stripe.Customer) => {
      calls.push(`mirror ${email}`);
      return { email };
    },
    ...options,
  });

let calls: string[];
let isMailDown: boolean;
let remindFails: boolean;

/** Before the change. */
@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*')
  remind(event: SyncEvent, { idempotencyKey }: SyncContext) {
    calls.push(`Billing.remind ${event.id} ${idempotencyKey}`);
    if (remindFails) throw new Error('not yet');
  }

  @OnSyncChange('stripe', 'customer')
  save({ kind }: SyncChange) {
    calls.push(`Billing.save ${kind}`);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail() {
    if (isMailDown) throw new Error('no mail server');
  }
}

/** The same handlers after it. */
@Injectable()
class Dunning {
  @OnSyncEvent('stripe', 'customer.*', { formerly: 'Billing.remind' })
  write(event: SyncEvent, { idempotencyKey }: SyncContext) {
    calls.push(`Dunning.write ${event.id} ${idempotencyKey}`);
    if (remindFails) throw new Error('not yet');
  }

  @OnSyncChange('stripe', 'customer', { formerly: 'Billing.save' })
  keep({ kind }: SyncChange) {
    calls.push(`Dunning.keep ${kind}`);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail() {
    if (isMailDown) throw new Error('no mail server');
  }
}

describe('a handler that has been renamed', () => {
  let before: Host;
  let after: Host | undefined;
  beforeEach(async () => {
    [calls, isMailDown, remindFails] = [[], true, false];
    before = await start(Billing, [mirrorWith({})]);
  });
  afterEach(async () => {
    await after?.close();
    after = undefined;
    await before.close();
  });

  const start = (provider: Provider, mirrors: Mirror[], beside?: Host) =>
    startHost({
      ...quick,
      entities: [Effect, Customer],
      providers: [provider],
      mirrors,
      beside,
      source: { ...quick.source, maxAttempts: beside ? 3 : 12 },
    });
  const roll = async (): Promise<Host> => {
    after = await start(
      Dunning,
      [mirrorWith({ name: 'customers', formerly: 'mirror:stripe.customer>Customer' })],
      before,
    );
    await before.app.close();
    return after;
  };
  const stored = async () =>
    (
      await (after ?? before).sql<{ handler: string }>('SELECT DISTINCT handler FROM sync_mark ORDER BY 1')
    ).map(({ handler }) => handler);

  it('goes on where it was: what is done is done, and the next change is no first one', async () => {
    const customer = before.stripe.create('customer', { email: 'a@b.c' }, { delivery: 'unlogged' });
    const id = await send(before, customer);
    await until(async () => (await stored()).includes('mail'));
    expect(calls.splice(0).map(withoutKey).sort()).toEqual([
      `Billing.remind ${id}`,
      'Billing.save created',
      'mirror a@b.c',
    ]);

    // The event has still a handler that fails: a process of the new version takes it up.
    const host = await roll();
    isMailDown = false;
    await settled(host);
    expect(calls).toEqual([]);

    host.stripe.update('customer', customer.id, { email: 'd@e.f' }, { delivery: 'unlogged' });
    const next = await send(host, customer);
    await settled(host);
    expect(calls.map(withoutKey).sort()).toEqual([
      'Dunning.keep updated',
      `Dunning.write ${next}`,
      'mirror d@e.f',
    ]);
    expect(await stored()).toEqual(['Billing.save', 'mirror:stripe.customer>Customer']);
  });

  it('keeps its idempotency key', async () => {
    isMailDown = false;
    remindFails = true;
    await send(before, customerOf(before));
    await until(() => calls.some((call) => call.startsWith('Billing.remind')));
    const host = await roll();
    remindFails = false;
    await settled(host);
    const keys = calls.filter((call) => /remind|write/.test(call)).map((call) => call.split(' ').at(-1));
    expect(calls.at(-1)).toMatch(/^Dunning.write/);
    expect(new Set(keys).size).toBe(1);
  });

  it('answers to both of its names, in pauses and replays', async () => {
    const { sync, ...host } = await roll();
    const states = async () =>
      (await host.sql<{ state: string }>('SELECT state FROM sync_event')).map(({ state }) => state);
    remindFails = true;
    isMailDown = false;
    for (const handler of ['Billing.remind', 'Dunning.write']) {
      await sync.pause({ handler });
      const id = await send({ sync, ...host }, customerOf({ sync, ...host }));
      await until(async () => (await sync.explain(id)).includes('is paused'));
      await sync.resume({ handler });
      await until(() => calls.some((call) => call.startsWith(`Dunning.write ${id}`)));
    }
    await until(async () => (await states()).every((state) => state === 'dead'));
    remindFails = false;
    expect(await sync.replay({ state: 'dead', handler: 'Dunning.write' })).toEqual({ replayed: 2 });
    await until(async () => (await states()).every((state) => state === 'completed'));
  });

  it('cannot take the name of another', async () => {
    @Injectable()
    class Both extends Dunning {
      @OnSyncEvent('stripe', 'customer.*', { name: 'Billing.remind' })
      another() {}
    }
    await expect(start(Both, [], before)).rejects.toThrow(
      /two handlers are named 'Billing.remind', or were formerly/,
    );
  });
});

function customerOf(host: Host) {
  return host.stripe.create('customer', {}, { delivery: 'unlogged' });
}

function withoutKey(call: string): string {
  return call.split(' ').slice(0, 2).join(' ');
}
