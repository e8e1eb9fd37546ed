import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncChange,
  SyncContext,
  SyncEvent,
} from 'nestjs-hybrid-sync';
import { SetbackService } from '../../lib/process/setback.service.js';
import { startHost, until, type Host } from '../support/host.js';
import { idleInTransaction } from '../support/sessions.js';
import { crash, Effect, Gate, quick, send, settled, travel } from '../support/scenario.js';
import { createTrigger, dropTrigger, REFUSE } from '../support/trigger.js';

interface Call {
  name: string;
  key: string;
  attempt: number;
  email?: string | null;
}

/** A system elsewhere, reached over a network: every call of it counts. */
let remote: Call[] = [];
let play: Record<string, (context: SyncContext) => unknown> = {};

async function push(name: string, context: SyncContext, email?: string | null) {
  await play[`${name} before`]?.(context);
  remote.push({ name, key: context.idempotencyKey, attempt: context.attempt, email });
  await play[name]?.(context);
}

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'product.*', { name: 'tell', transaction: 'none', timeoutMs: 5_000 })
  tell(_event: SyncEvent, context: SyncContext) {
    return push('tell', context);
  }

  @OnSyncChange('stripe', 'customer', { name: 'contact', transaction: 'none' })
  contact({ data }: SyncChange<{ email: string | null }>, context: SyncContext) {
    return push('contact', context, data?.email);
  }
}

/** Resolves when the host has tried to set a handler back, whatever came of it. */
function untilSetBack({ app }: Host): Promise<void> {
  const setbacks = app.get(SetbackService, { strict: false });
  const setBack = setbacks.setBack.bind(setbacks);
  return new Promise((resolve) => {
    setbacks.setBack = (...given) => setBack(...given).finally(resolve);
  });
}

describe("promise 2, at least once with transaction: 'none'", () => {
  let host: Host;
  const options = {
    ...quick,
    providers: [Crm],
    entities: [Effect],
    poolSize: 3,
    sync: { ...quick.sync, maxTransactions: 1 },
  };

  beforeAll(async () => {
    host = await startHost(options);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    remote = [];
    play = {};
    await host.sql('DELETE FROM sync_event');
  });

  const product = () => host.stripe.create('product', {}, { delivery: 'unlogged' });

  it('is called with the same key on every attempt', async () => {
    play.tell = ({ attempt }) => {
      if (attempt < 3) throw new Error('no answer');
    };
    await send(host, product());
    await settled(host);
    expect(remote.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(remote.map(({ key }) => key)).size).toBe(1);
  });

  it('is refused a manager, in words that say what to do', async () => {
    const errors: unknown[] = [];
    play.tell = (context) => {
      try {
        void context.manager;
      } catch (error) {
        errors.push(error);
      }
    };
    await send(host, product());
    await settled(host);
    expect(errors).toEqual([expect.objectContaining({ code: 'SYNC_NO_TRANSACTION' })]);
  });

  it('holds no connection: more of them run than there are connections', async () => {
    const gates = Array.from({ length: 8 }, () => new Gate());
    let at = 0;
    play.tell = () => gates[at++]!.pass();
    for (let i = 0; i < gates.length; i++) await send(host, product());
    await Promise.all(gates.map(({ reached }) => reached));
    expect(await idleInTransaction(host)).toEqual([]);
    gates.forEach((gate) => gate.release());
    await settled(host);
    expect(remote).toHaveLength(8);
  });

  it('has saved the state before it is called, so that what comes meanwhile is not taken for newer', async () => {
    const gate = new Gate();
    play.contact = () => gate.pass();
    await send(host, host.stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' }));
    await gate.reached;
    expect(
      await host.sql(`SELECT version FROM sync_record WHERE resource = 'customer' AND saved_at IS NOT NULL`),
    ).toEqual([{ version: 1 }]);
    gate.release();
    await settled(host);
  });

  it('keeps its lease for as long as it runs', async () => {
    const sync = { ...options.sync, leaseMs: 60 };
    const slow = await startHost({ ...options, sync });
    const other = await startHost({ ...options, sync, beside: slow });
    try {
      const gate = new Gate();
      play.tell = () => gate.pass();
      await send(slow, slow.stripe.create('product', {}, { delivery: 'unlogged' }));
      await gate.reached;
      const leaseUntil = async () =>
        (
          await slow.sql<{ lease_until: Date }>('SELECT lease_until FROM sync_record')
        )[0]!.lease_until.getTime();
      const first = await leaseUntil();
      // Several leases' time has gone by, and others have looked for work all the while.
      await until(async () => (await leaseUntil()) > first + 300);
      expect(remote).toHaveLength(1);
      gate.release();
      await settled(slow);
      expect(remote).toHaveLength(1);
    } finally {
      await other.close();
      await slow.close();
    }
  });

  it.each(['returns', 'throws'])(
    'writes the newest state again if its lease was lost after the effect, and %s',
    async (end) => {
      const other = await startHost({ ...options, beside: host });
      try {
        const customer = host.stripe.create(
          'customer',
          { email: 'old@example.com' },
          { delivery: 'unlogged' },
        );
        const gate = new Gate();
        // The effect itself is late: what the first worker writes overwrites what the second has written.
        play['contact before'] = () => {
          delete play['contact before'];
          return gate.pass();
        };
        play.contact = () => {
          if (end === 'throws' && remote.at(-1)!.email === 'old@example.com') throw new Error('no answer');
        };
        await send(host, customer);
        await gate.reached;
        host.stripe.update('customer', customer.id, { email: 'new@example.com' }, { delivery: 'unlogged' });
        await host.sql(
          `UPDATE sync_record SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL`,
        );
        await send(other, customer);
        await settled(host);
        expect(remote.map(({ email }) => email)).toEqual(['new@example.com']);

        gate.release();
        await until(() => remote.length === 3);
        await settled(host);
        expect(remote.map(({ email }) => email)).toEqual([
          'new@example.com',
          'old@example.com',
          'new@example.com',
        ]);
        // The other system would answer a key that it knows with what it did then.
        expect(new Set(remote.map(({ key }) => key)).size).toBe(3);
      } finally {
        await other.close();
      }
    },
  );

  it('writes the newest state again though the database is away when the lease is lost', async () => {
    const other = await startHost({ ...options, beside: host });
    try {
      const customer = host.stripe.create('customer', { email: 'old@example.com' }, { delivery: 'unlogged' });
      const gate = new Gate();
      play['contact before'] = () => {
        delete play['contact before'];
        return gate.pass();
      };
      await send(host, customer);
      await gate.reached;
      host.stripe.update('customer', customer.id, { email: 'new@example.com' }, { delivery: 'unlogged' });
      await host.sql(
        `UPDATE sync_record SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL`,
      );
      await send(other, customer);
      await settled(host);
      const refused = { name: 'refuse_setback', at: 'BEFORE INSERT ON sync_event', run: REFUSE };
      await createTrigger(host, { ...refused, when: `NEW.origin = 'setback'` });
      const tried = untilSetBack(host);
      gate.release();
      await tried;
      expect(remote.map(({ email }) => email)).toEqual(['new@example.com', 'old@example.com']);
      await dropTrigger(host, refused.name);
      await until(() => remote.length === 3);
      expect(remote.at(-1)).toMatchObject({ email: 'new@example.com' });
      await settled(host);
    } finally {
      await other.close();
    }
  });

  it.each(['for the first time', 'again'])(
    'writes the newest state once more if another worker is at it, which is shown the record %s',
    async (time) => {
      const other = await startHost({ ...options, beside: host });
      try {
        const customer = host.stripe.create(
          'customer',
          { email: 'first@example.com' },
          { delivery: 'unlogged' },
        );
        const change = (email: string) =>
          host.stripe.update('customer', customer.id, { email }, { delivery: 'unlogged' });
        if (time === 'again') {
          await send(host, customer);
          await settled(host);
          remote = [];
        }
        change('old@example.com');
        const [late, busy] = [new Gate(), new Gate()];
        play['contact before'] = () => {
          delete play['contact before'];
          return late.pass();
        };
        play.contact = () => {
          delete play.contact;
          return busy.pass();
        };
        await send(host, customer);
        await late.reached;
        change('new@example.com');
        await host.sql(
          `UPDATE sync_record SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL`,
        );
        // The other takes over the same event: there is no later one to make up for anything.
        await busy.reached;
        late.release();
        await until(async () => (await host.sql(`SELECT FROM sync_mark WHERE version = -1`)).length > 0);
        busy.release();
        await until(() => remote.length === 3);
        await settled(host);
        expect(remote.map(({ email }) => email)).toEqual([
          'new@example.com',
          'old@example.com',
          'new@example.com',
        ]);
        expect(new Set(remote.map(({ key }) => key)).size).toBe(3);
      } finally {
        await other.close();
      }
    },
  );

  it('tells the end of a record to a handler that puts off what it may have written', async () => {
    const { stripe } = host;
    const customer = stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' });
    try {
      play.contact = () => {
        delete play.contact;
        throw new RetryLaterError({ afterMs: 3_600_000 });
      };
      await send(host, customer);
      await until(async () => (await host.sql('SELECT FROM sync_mark WHERE due_at > now()')).length > 0);
      stripe.delete('customer', customer.id, { delivery: 'unlogged' });
      await send(host, customer, { type: 'customer.deleted' });
      travel(host, 3_600_001);
      await settled(host);
      expect(remote.map(({ email }) => email ?? 'gone')).toEqual(['ada@example.com', 'gone']);
    } finally {
      travel(host, -3_600_001);
    }
  });

  it('tells the end of a record to a handler that did not come back from its first writing', async () => {
    const other = await startHost({ ...options, beside: host });
    const gate = new Gate();
    try {
      const { stripe } = host;
      const customer = stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' });
      play.contact = () => {
        delete play.contact;
        return gate.pass();
      };
      await send(host, customer);
      await gate.reached;
      stripe.delete('customer', customer.id, { delivery: 'unlogged' });
      await crash(host, customer.id);
      await settled(host);
      expect(remote.map(({ email }) => email ?? 'gone')).toEqual(['ada@example.com', 'gone']);
    } finally {
      gate.release();
      await other.close();
    }
  });
});
