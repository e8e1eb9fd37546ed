import { SetbackService } from '../../lib/process/setback.service.js';
import { startHost, until, type Host } from '../support/host.js';
import { Crm, elsewhere, remote } from '../support/remote-crm.js';
import { Gate, send, settled } from '../support/scenario.js';
import { createTrigger, dropTrigger, REFUSE } from '../support/trigger.js';

/** Resolves when the host has tried to set a handler back, whatever came of it. */
function untilSetBack({ app }: Host): Promise<void> {
  const setbacks = app.get(SetbackService, { strict: false });
  const setBack = setbacks.setBack.bind(setbacks);
  return new Promise((resolve) => {
    setbacks.setBack = (...given) => setBack(...given).finally(resolve);
  });
}

/** The next call waits before it counts: what a worker writes that is late overwrites what others have written. */
function holdNextWrite(): Gate {
  const gate = new Gate();
  remote.play['contact before'] = () => {
    delete remote.play['contact before'];
    return gate.pass();
  };
  return gate;
}

describe("promise 2, at least once with transaction: 'none', of a worker that has lost its lease", () => {
  let host: Host;
  let other: Host;
  const options = { ...elsewhere, providers: [Crm] };

  beforeAll(async () => {
    host = await startHost(options);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    remote.forget();
    await host.sql('DELETE FROM sync_event');
    other = await startHost({ ...options, beside: host });
  });
  afterEach(() => other.close());

  const create = (email: string) => host.stripe.create('customer', { email }, { delivery: 'unlogged' });
  const update = (id: string, email: string) =>
    host.stripe.update('customer', id, { email }, { delivery: 'unlogged' });
  const loseLease = () =>
    host.sql(`UPDATE sync_record SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL`);

  /** The host is about to write an old state, has lost its lease, and the other one has written the new state. */
  async function overtaken(): Promise<Gate> {
    const customer = create('old@example.com');
    const gate = holdNextWrite();
    await send(host, customer);
    await gate.reached;
    update(customer.id, 'new@example.com');
    await loseLease();
    await send(other, customer);
    await settled(host);
    return gate;
  }

  it.each(['returns', 'throws'])(
    'writes the newest state again if that was after the effect, and it %s',
    async (end) => {
      remote.play.contact = () => {
        if (end === 'throws' && remote.emails().at(-1) === 'old@example.com') throw new Error('no answer');
      };
      const gate = await overtaken();
      expect(remote.emails()).toEqual(['new@example.com']);

      gate.release();
      await until(() => remote.calls.length === 3);
      await settled(host);
      expect(remote.emails()).toEqual(['new@example.com', 'old@example.com', 'new@example.com']);
      // The other system would answer a key that it knows with what it did then.
      expect(new Set(remote.calls.map(({ key }) => key)).size).toBe(3);
    },
  );

  it('writes the newest state again though the database is away then', async () => {
    const gate = await overtaken();
    const refused = { name: 'refuse_setback', at: 'BEFORE INSERT ON sync_event', run: REFUSE };
    await createTrigger(host, { ...refused, when: `NEW.origin = 'setback'` });
    const tried = untilSetBack(host);
    gate.release();
    await tried;
    expect(remote.emails()).toEqual(['new@example.com', 'old@example.com']);
    await dropTrigger(host, refused.name);
    await until(() => remote.calls.length === 3);
    expect(remote.emails().at(-1)).toBe('new@example.com');
    await settled(host);
  });

  it.each(['for the first time', 'again'])(
    'writes the newest state once more if another worker is at it, which is shown the record %s',
    async (time) => {
      const customer = create('first@example.com');
      if (time === 'again') {
        await send(host, customer);
        await settled(host);
        remote.forget();
      }
      update(customer.id, 'old@example.com');
      const late = holdNextWrite();
      const busy = new Gate();
      remote.play.contact = () => {
        delete remote.play.contact;
        return busy.pass();
      };
      await send(host, customer);
      await late.reached;
      update(customer.id, 'new@example.com');
      await loseLease();
      // The other takes over the same event: there is no later one to make up for anything.
      await busy.reached;
      late.release();
      await until(async () => (await host.sql(`SELECT FROM sync_mark WHERE version = -1`)).length > 0);
      busy.release();
      await until(() => remote.calls.length === 3);
      await settled(host);
      expect(remote.emails()).toEqual(['new@example.com', 'old@example.com', 'new@example.com']);
      expect(new Set(remote.calls.map(({ key }) => key)).size).toBe(3);
    },
  );
});
