import { RetryLaterError } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { Crm, elsewhere, remote } from '../support/remote-crm.js';
import { idleInTransaction } from '../support/sessions.js';
import { crash, Gate, send, settled, travel } from '../support/scenario.js';

describe("promise 2, at least once with transaction: 'none'", () => {
  let host: Host;
  const options = { ...elsewhere, providers: [Crm] };

  beforeAll(async () => {
    host = await startHost(options);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    remote.forget();
    await host.sql('DELETE FROM sync_event');
  });

  const product = () => host.stripe.create('product', {}, { delivery: 'unlogged' });

  it('is called with the same key on every attempt', async () => {
    remote.play.tell = ({ attempt }) => {
      if (attempt < 3) throw new Error('no answer');
    };
    await send(host, product());
    await settled(host);
    expect(remote.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(remote.calls.map(({ key }) => key)).size).toBe(1);
  });

  it('is refused a manager, in words that say what to do', async () => {
    const errors: unknown[] = [];
    remote.play.tell = (context) => {
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
    remote.play.tell = () => gates[at++]!.pass();
    for (let i = 0; i < gates.length; i++) await send(host, product());
    await Promise.all(gates.map(({ reached }) => reached));
    expect(await idleInTransaction(host)).toEqual([]);
    gates.forEach((gate) => gate.release());
    await settled(host);
    expect(remote.calls).toHaveLength(8);
  });

  it('has saved the state before it is called, so that what comes meanwhile is not taken for newer', async () => {
    const gate = new Gate();
    remote.play.contact = () => gate.pass();
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
      remote.play.tell = () => gate.pass();
      await send(slow, slow.stripe.create('product', {}, { delivery: 'unlogged' }));
      await gate.reached;
      const leaseUntil = async () =>
        (
          await slow.sql<{ lease_until: Date }>('SELECT lease_until FROM sync_record')
        )[0]!.lease_until.getTime();
      const first = await leaseUntil();
      // Several leases' time has gone by, and others have looked for work all the while.
      await until(async () => (await leaseUntil()) > first + 300);
      expect(remote.calls).toHaveLength(1);
      gate.release();
      await settled(slow);
      expect(remote.calls).toHaveLength(1);
    } finally {
      await other.close();
      await slow.close();
    }
  });

  it('tells the end of a record to a handler that puts off what it may have written', async () => {
    const { stripe } = host;
    const customer = stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' });
    try {
      remote.play.contact = () => {
        delete remote.play.contact;
        throw new RetryLaterError({ afterMs: 3_600_000 });
      };
      await send(host, customer);
      await until(async () => (await host.sql('SELECT FROM sync_mark WHERE due_at > now()')).length > 0);
      stripe.delete('customer', customer.id, { delivery: 'unlogged' });
      await send(host, customer, { type: 'customer.deleted' });
      travel(host, 3_600_001);
      await settled(host);
      expect(remote.emails()).toEqual(['ada@example.com', 'gone']);
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
      remote.play.contact = () => {
        delete remote.play.contact;
        return gate.pass();
      };
      await send(host, customer);
      await gate.reached;
      stripe.delete('customer', customer.id, { delivery: 'unlogged' });
      await crash(host, customer.id);
      await settled(host);
      expect(remote.emails()).toEqual(['ada@example.com', 'gone']);
    } finally {
      gate.release();
      await other.close();
    }
  });
});
