import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';

/** Refuses rows as a column that is too short does, whenever the condition holds. */
function refuseRows(condition: string): string {
  return `
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF ${condition} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '22001'; END IF;
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON sync_event FOR EACH ROW EXECUTE FUNCTION refuse()`;
}

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

  /** All at once, and so that they share one insert. */
  async function postTogether(ids: string[]): Promise<Record<string, number>> {
    const session = host.dataSource.createQueryRunner();
    await session.connect();
    await session.query('BEGIN; LOCK TABLE sync_event');
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
    await session.query('ROLLBACK');
    await session.release();
    return Object.fromEntries(await Promise.all(answers));
  }

  const rows = (ids: string[]) =>
    host.sql<{ event_id: string }>('SELECT event_id FROM sync_event WHERE event_id = ANY ($1)', [ids]);

  it('is kept as it came, and its neighbours are stored', async () => {
    await host.sql(refuseRows(`NEW.event_id = 'evt_a3'`));
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
    await host.sql(refuseRows(`NEW.event_id = 'evt_b7' OR NEW.reason = 'unstorable'`));
    const ids = Array.from({ length: 12 }, (_, i) => `evt_b${i}`);
    const { evt_b7: refused, ...others } = await postTogether(ids);
    expect(refused).toBe(503);
    expect(Object.values(others)).toEqual(Array(11).fill(200));
    expect(await rows(ids)).toHaveLength(11);
  });
});
