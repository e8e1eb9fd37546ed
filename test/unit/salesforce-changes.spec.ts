import fc from 'fast-check';
import { CursorExpiredError } from 'nestjs-hybrid-sync';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { salesforce, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';

const OPTIONS = { signal: new AbortController().signal, timeoutMs: 5_000, nowMs: Date.now() };
const HOUR_MS = 3_600_000;

/** Walks over what has changed in an org, and says what it has been given. */
class Walker {
  cursor: string | null = null;
  calls = 0;
  private readonly connector;

  constructor(
    org: FakeSalesforce,
    private readonly nowOf: () => number,
    options: Partial<SalesforceOptions> = {},
    private readonly since = new Date(0),
  ) {
    const { accessToken, url: instanceUrl } = org;
    const login = { flow: 'token', accessToken, instanceUrl } as const;
    this.connector = salesforce({ login, objects: ['Account', 'Contact'], ...options }).connector;
  }

  async walk(): Promise<string[]> {
    const given: string[] = [];
    for (let more = true; more;) {
      const { cursor, since } = this;
      const request = { connectionId: 'default', cursor, since, now: new Date(this.nowOf()) };
      const page = await this.connector.changes!(request, OPTIONS);
      this.calls += 1;
      this.cursor = page.cursor;
      more = page.more;
      given.push(...page.events.map(({ eventId }) => eventId!));
    }
    return given;
  }
}

describe('what has changed in an org', () => {
  let org: FakeSalesforce;
  let time: number;
  const now = () => time;
  const tick = (ms = 10_000) => (time += ms);
  const create = (name: string, object: 'Account' | 'Contact' = 'Account') => {
    const record = org.create(object, object === 'Account' ? { Name: name } : { LastName: name });
    return `${record.Id}:${record.SystemModstamp}`;
  };
  beforeEach(async () => {
    time = Date.parse('2026-01-31T12:00:00.000Z');
    org = await FakeSalesforce.start({ now: () => new Date(time) });
  });
  afterEach(() => org.close());

  it('is read object by object, whole, from where it was read before', async () => {
    const walker = new Walker(org, now, { overlapSeconds: 0 });
    const first = [create('a'), create('b'), create('c', 'Contact')];
    tick();
    expect(await walker.walk()).toEqual(first);
    expect(walker.calls).toBe(2);
    const second = [create('d'), create('e', 'Contact')];
    tick();
    // Ties of the newest second are read again, and known by their ids.
    expect((await walker.walk()).filter((id) => !first.includes(id))).toEqual(second);
  });

  it('is read to the end, over 10,001 records', async () => {
    const ids = Array.from({ length: 10_001 }, (_, i) => {
      if (i % 7 === 0) tick(1_000);
      return create(`A${i}`);
    });
    tick();
    const walker = new Walker(org, now);
    const walked = await walker.walk();
    expect(new Set(walked)).toEqual(new Set(ids));
    expect(walked).toHaveLength(10_001);
    expect(walker.calls).toBe(7);
  });

  it('is read whole where 500 records of one stamp lie over the end of a page', async () => {
    const ids = Array.from({ length: 2_300 }, (_, i) => {
      if (i === 1_750 || i === 2_250) tick(1_000);
      return create(`A${i}`);
    });
    tick();
    const walked = await new Walker(org, now).walk();
    expect(walked).toHaveLength(2_300);
    expect(new Set(walked)).toEqual(new Set(ids));
  });

  it('leaves alone a second that is not over: what changes twice in it has one stamp', async () => {
    const walker = new Walker(org, now);
    const { Id } = org.create('Account', { Name: 'once' });
    time += 500;
    expect(await walker.walk()).toEqual([]);
    org.update(Id, { Name: 'twice' });
    tick();
    expect(await walker.walk()).toEqual([`${Id}:2026-01-31T12:00:00.000+0000`]);
  });

  it('holds what a long transaction has committed late, with stamps of before', async () => {
    const walker = new Walker(org, now);
    create('before');
    const long = org.transaction();
    const late = long.create('Account', { Name: 'late' });
    tick(200_000);
    create('after');
    tick();
    await walker.walk();
    long.commit();
    expect((await walker.walk()).some((id) => id.startsWith(late))).toBe(true);

    // A reader of what is newer than the newest that it knows would have lost it.
    const naive = new Walker(org, now, { overlapSeconds: 0 });
    const short = org.transaction();
    const lost = short.create('Account', { Name: 'late again' });
    tick(5_000);
    create('newer');
    tick();
    await naive.walk();
    short.commit();
    expect((await naive.walk()).some((id) => id.startsWith(lost))).toBe(false);
  });

  it('is never skipped, whatever changes between two pages', async () => {
    const step = fc.record({
      creates: fc.nat(40),
      updates: fc.nat(10),
      deletes: fc.nat(3),
      gapMs: fc.nat(3_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const own = await FakeSalesforce.start({ now: () => new Date(time) });
        try {
          const seen = new Map<string, string>();
          const walker = new Walker(own, now, { objects: ['Account'] });
          const walk = async () => {
            for (const event of await walker.walk()) seen.set(event.slice(0, 18), event.slice(19));
          };
          for (const { creates, updates, deletes, gapMs } of steps) {
            for (let i = 0; i < creates; i++) own.create('Account', { Name: `A${i}` });
            const all = own.all('Account');
            for (const { Id } of all.slice(0, updates)) own.update(Id, { Phone: String(time) });
            for (const { Id } of all.slice(-deletes || all.length)) own.delete(Id);
            await walk();
            tick(gapMs);
          }
          tick();
          await walk();
          const stamps = own.all('Account').map(({ Id, SystemModstamp }) => [Id, SystemModstamp as string]);
          expect(Object.fromEntries(seen)).toMatchObject(Object.fromEntries(stamps) as object);
        } finally {
          await own.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('tells of deleted records, as long as they are in the recycle bin', async () => {
    const walker = new Walker(org, now);
    const { Id } = org.create('Account', { Name: 'a' });
    tick();
    await walker.walk();
    org.delete(Id);
    tick();
    expect(await walker.walk()).toContain(`${Id}:2026-01-31T12:00:10.000+0000`);
    tick(15 * 24 * HOUR_MS);
    await expect(walker.walk()).rejects.toThrow(CursorExpiredError);
  });

  it('tells of records that were deleted for good, every five minutes at most', async () => {
    const walker = new Walker(org, now);
    const [one, two] = ['a', 'b'].map((Name) => org.create('Account', { Name }).Id);
    tick();
    await walker.walk();
    org.erase(one!);
    tick(4 * 60_000);
    const before = walker.calls;
    expect(await walker.walk()).not.toContainEqual(expect.stringContaining('12:00:10'));
    expect(walker.calls - before).toBe(2);
    tick(90_000);
    expect(await walker.walk()).toContain(`${one}:2026-01-31T12:00:10.000+0000`);
    expect(walker.calls - before).toBe(6);
    // One that is in the bin too is the same event by both ways.
    org.delete(two!);
    tick(6 * 60_000);
    const told = (await walker.walk()).filter((event) => event.startsWith(two!));
    expect(told).toHaveLength(2);
    expect(new Set(told).size).toBe(1);
  });

  it('cannot be read on where the log of deletions was purged, and where an object has none, it is read without', async () => {
    const walker = new Walker(org, now);
    create('a');
    tick();
    await walker.walk();
    tick(60_000);
    org.emptyRecycleBin('Account');
    tick(6 * 60_000);
    await expect(walker.walk()).rejects.toMatchObject({
      code: 'SYNC_CURSOR_EXPIRED',
      message: expect.stringContaining('has purged which records of Account'),
    });
    // From where changes are read again, nothing is missing.
    walker.cursor = null;
    await walker.walk();
    org.faults.failNext({ match: { path: /deleted/ }, status: 400, code: 'INVALID_TYPE', times: 2 });
    for (let i = 0; i < 2; i += 1) {
      tick(6 * 60_000);
      await walker.walk();
    }
    expect(org.requests.count({ path: /deleted/, status: 400 })).toBe(3);
  });

  it('begins where it is to begin, and with a new object too', async () => {
    create('old');
    create('old', 'Contact');
    tick(HOUR_MS);
    const since = new Date(time);
    const recent = create('new');
    tick();
    const walker = new Walker(org, now, { objects: ['Account'] }, since);
    expect(await walker.walk()).toEqual([recent]);
    const wider = new Walker(org, now, {}, since);
    wider.cursor = walker.cursor;
    const contact = create('new', 'Contact');
    tick();
    expect(await wider.walk()).toEqual([recent, contact]);
  });
});
