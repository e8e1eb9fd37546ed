import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { lockTable } from '../support/sessions.js';
import { createTrigger, REFUSE } from '../support/trigger.js';

describe('one bad thing stops one thing: a row that the database refuses', () => {
  let host: Host;
  let arrived = 0;

  beforeAll(async () => {
    host = await startHost({
      configure: (app) =>
        app.use((_request: unknown, _response: unknown, next: () => void) => {
          arrived += 1;
          next();
        }),
    });
  });
  afterAll(() => host?.close());

  /** As a column that is too short does. */
  const refuseRows = (when: string) =>
    createTrigger(host, { name: 'refuse', at: 'BEFORE INSERT ON sync_event', when, run: REFUSE });

  /** All at once, and so that they share one insert. */
  async function postTogether(ids: string[]): Promise<Record<string, number>> {
    const locked = await lockTable(host, 'sync_event');
    arrived = 0;
    const answers = ids.map(async (id) => {
      const event = host.stripe.emit(
        'customer.created',
        'customer',
        { id: `cus_${id}` },
        { delivery: 'lost' },
      );
      const delivery = signedDelivery({ payload: { ...event, id }, secret: host.stripe.webhookSecret });
      return [id, (await deliver(`${host.url}/webhooks/stripe`, delivery)).status] as const;
    });
    await until(() => arrived === ids.length);
    await locked.release();
    return Object.fromEntries(await Promise.all(answers));
  }

  const rows = (ids: string[]) =>
    host.sql<{ event_id: string }>('SELECT event_id FROM sync_event WHERE event_id = ANY ($1)', [ids]);

  it('is kept as it came, and its neighbours are stored', async () => {
    await refuseRows(`NEW.event_id = 'evt_a3'`);
    const ids = Array.from({ length: 12 }, (_, i) => `evt_a${i}`);
    expect(Object.values(await postTogether(ids))).toEqual(Array(12).fill(200));
    expect((await rows(ids)).map((row) => row.event_id).sort()).toEqual(
      ids.filter((id) => id !== 'evt_a3').sort(),
    );

    const kept = await host.sql<{ state: string; payload: string }>(
      `SELECT state, payload FROM sync_event WHERE reason = 'unstorable'`,
    );
    expect(kept).toMatchObject([{ state: 'dead' }]);
    expect(JSON.parse(Buffer.from(kept[0]!.payload, 'base64').toString())).toMatchObject({ id: 'evt_a3' });
  });

  it('is refused however it is put: that one is to be sent again, its neighbours are stored', async () => {
    await refuseRows(`NEW.event_id = 'evt_b7' OR NEW.reason = 'unstorable'`);
    const ids = Array.from({ length: 12 }, (_, i) => `evt_b${i}`);
    const { evt_b7: refused, ...others } = await postTogether(ids);
    expect(refused).toBe(503);
    expect(Object.values(others)).toEqual(Array(11).fill(200));
    expect(await rows(ids)).toHaveLength(11);
  });
});
