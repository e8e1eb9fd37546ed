import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncContext, SyncEvent, UnrecoverableError } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { crash, Gate, quick, send, settled } from '../support/scenario.js';

interface Call {
  handler: string;
  record: string;
  id: string;
  attempt: number;
  late: boolean;
}

let calls: Call[] = [];
let play: (call: Call) => unknown = () => undefined;
/** Records whose handlers run at this moment, in whichever process. */
const running = new Set<string>();
let overlaps = 0;

async function handle(handler: string, event: SyncEvent, { record, attempt }: SyncContext) {
  if (running.has(record.id)) overlaps += 1;
  running.add(record.id);
  const call = { handler, record: record.id, id: event.id!, attempt, late: event.late };
  calls.push(call);
  try {
    await play(call);
  } finally {
    running.delete(record.id);
  }
}

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent, context: SyncContext) {
    return handle('book', event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail(event: SyncEvent, context: SyncContext) {
    return handle('mail', event, context);
  }

  /** Commits before the event handlers begin. */
  @OnSyncChange('stripe', 'customer', { name: 'copy' })
  async copy() {}

  @OnSyncEvent('stripe', 'invoice.upcoming', { name: 'upcoming' })
  upcoming(event: SyncEvent, context: SyncContext) {
    return handle('upcoming', event, context);
  }
}

describe('promise 3, in order per record', () => {
  let host: Host;
  const second = Math.floor(Date.now() / 1000) - 1_000;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing], source: { ...quick.source, maxAttempts: 4 } });
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    calls = [];
    overlaps = 0;
    play = () => undefined;
    await host.sql('DELETE FROM sync_event');
  });

  const customer = () => host.stripe.create('customer', {}, { delivery: 'unlogged' });
  const seen = (handler: string, record?: string) =>
    calls
      .filter((call) => call.handler === handler && (!record || call.record === record))
      .map(({ id }) => id);
  /** Events of one record that are all there when its next pass begins. */
  async function sendTogether(
    object: { object: string; id: string },
    ...events: { id: string; at: number }[]
  ) {
    const fetch = host.stripe.hold({ path: `/v1/customers/${object.id}` });
    await send(host, object, { id: 'evt_first', created: second - 1 });
    await fetch.reached;
    for (const { id, at } of events) await send(host, object, { id, created: second + at });
    fetch.release();
  }

  it('over two processes: passes never overlap, and each handler sees what is there in the provider’s order', async () => {
    const other = await startHost({ ...quick, providers: [Billing], source: quick.source, beside: host });
    try {
      play = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
      const customers = [customer(), customer(), customer()];
      const order = Array.from({ length: 25 }, (_, i) => i).sort(() => Math.random() - 0.5);
      for (const i of order) {
        const process = i % 2 ? host : other;
        await Promise.all(
          customers.map((object) =>
            send(process, object, { id: `evt_${i}_${object.id}`, created: second + i }),
          ),
        );
      }
      await settled(host);
      await Promise.all([host.sync.idle(), other.sync.idle()]);
      expect(overlaps).toBe(0);
      for (const handler of ['book', 'mail']) {
        for (const { id: record } of customers) {
          const mine = calls.filter((call) => call.handler === handler && call.record === record);
          expect(mine).toHaveLength(25);
          let newest = -1;
          for (const { id, late } of mine) {
            const at = Number(id.split('_')[1]);
            // Out of order only if it says so, and it says so only then.
            expect({ id, late }).toEqual({ id, late: at < newest });
            newest = Math.max(newest, at);
          }
        }
      }
    } finally {
      await other.close();
    }
  });

  it('of events that came in any order, those present are seen by their time, of one second as they came', async () => {
    const object = customer();
    await sendTogether(
      object,
      { id: 'c', at: 3 },
      { id: 'a', at: 1 },
      { id: 'b1', at: 2 },
      { id: 'b2', at: 2 },
    );
    await settled(host);
    for (const handler of ['book', 'mail'])
      expect(seen(handler)).toEqual(['evt_first', 'a', 'b1', 'b2', 'c']);
    expect(calls.some(({ late }) => late)).toBe(false);
  });

  it('a failing handler holds back its own later events of that record, and nobody else', async () => {
    const [object, neighbour] = [customer(), customer()];
    let repaired = false;
    play = ({ handler, record, id }) => {
      if (handler === 'book' && record === object.id && id === 'a' && !repaired) throw new Error('not yet');
    };
    await sendTogether(object, { id: 'a', at: 1 }, { id: 'b', at: 2 });
    await until(() => seen('book').filter((id) => id === 'a').length === 2);
    await send(host, object, { id: 'c', created: second + 3 });
    await send(host, neighbour, { id: 'n', created: second + 1 });
    await until(() => seen('mail').includes('c') && seen('book', neighbour.id).includes('n'));
    expect(seen('book', object.id).filter((id) => id !== 'a')).toEqual(['evt_first']);
    expect(seen('mail', object.id)).toEqual(['evt_first', 'a', 'b', 'c']);
    repaired = true;
    await settled(host);
    expect(seen('book', object.id).slice(-3)).toEqual(['a', 'b', 'c']);
    expect(calls.some(({ late }) => late)).toBe(false);
  });

  it('once it has given up, its later events go on', async () => {
    play = ({ handler, id }) => {
      if (handler === 'book' && id === 'a') throw new UnrecoverableError('never');
    };
    await sendTogether(customer(), { id: 'a', at: 1 }, { id: 'b', at: 2 });
    await settled(host);
    expect(seen('book')).toEqual(['evt_first', 'a', 'b']);
    expect(await host.sql(`SELECT event_id FROM sync_event WHERE state = 'dead'`)).toEqual([
      { event_id: 'a' },
    ]);
  });

  describe('late', () => {
    it('is an older event that comes after a newer one was handled, on each of its attempts', async () => {
      const object = customer();
      await send(host, object, { id: 'new', created: second + 9 });
      await settled(host);
      play = ({ id, attempt }) => {
        if (id === 'old' && attempt < 3) throw new Error('not yet');
      };
      await send(host, object, { id: 'old', created: second + 5 });
      await settled(host);
      const old = calls.filter(({ id, handler }) => id === 'old' && handler === 'book');
      expect(old.map(({ late }) => late)).toEqual([true, true, true]);
    });

    it('is not what is tried again after a newer one was handled by others', async () => {
      play = ({ handler, id, attempt }) => {
        if (handler === 'book' && id === 'a' && attempt < 3) throw new Error('not yet');
      };
      await sendTogether(customer(), { id: 'a', at: 1 }, { id: 'b', at: 2 });
      await settled(host);
      expect(calls.filter(({ late }) => late)).toEqual([]);
    });

    it('is not what a crashed worker had before it together with a newer one', async () => {
      const gate = new Gate();
      play = ({ handler, id }) => handler === 'mail' && id === 'a' && gate.pass();
      const object = customer();
      await sendTogether(object, { id: 'a', at: 1 }, { id: 'b', at: 2 });
      await gate.reached;
      play = () => undefined;
      await crash(host, object.id);
      gate.release();
      await settled(host);
      expect(seen('mail')).toContain('b');
      expect(calls.filter(({ late }) => late)).toEqual([]);
    });

    it('is not what comes while a newer one only waits', async () => {
      const object = customer();
      host.stripe.faults.rateLimit = { next: 1 };
      await send(host, object, { id: 'b', created: second + 2 });
      await until(
        async () => (await host.sql(`SELECT FROM sync_event WHERE wait_reason = 'rate-limited'`)).length > 0,
      );
      await send(host, object, { id: 'a', created: second + 1 });
      await settled(host);
      expect(seen('book')).toEqual(['a', 'b']);
      expect(calls.filter(({ late }) => late)).toEqual([]);
    });
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'an event about nothing that has an id is its own record: two of them do not wait for each other',
    async () => {
      const invoice = { object: 'invoice', customer: 'cus_1', lines: { object: 'list', data: [] } };
      const gate = new Gate();
      play = ({ id }) => id === 'u1' && gate.pass();
      await send(host, invoice, { type: 'invoice.upcoming', id: 'u1' });
      await gate.reached;
      await send(host, invoice, { type: 'invoice.upcoming', id: 'u2' });
      await until(() => seen('upcoming').includes('u2'));
      await send(host, invoice, { type: 'invoice.upcoming', id: 'u1' });
      gate.release();
      await settled(host);
      expect(seen('upcoming')).toEqual(['u1', 'u2']);
      expect(new Set(calls.map(({ record }) => record)).size).toBe(2);
    },
  );
});
