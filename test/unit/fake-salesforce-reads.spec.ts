import fc from 'fast-check';
import { openOrg, refusal, type Org } from './salesforce-org.js';

describe('what a FakeSalesforce is asked for, by the real jsforce', () => {
  let org: Org['org'];
  let connection: Org['connection'];
  let time: number;
  beforeEach(async () => {
    time = Date.parse('2026-01-31T12:00:00.400Z');
    ({ org, connection } = await openOrg({ now: () => new Date(time) }));
  });
  afterEach(() => org.close());

  const names = async (soql: string) =>
    (await connection.query<{ Name: string }>(soql)).records.map(({ Name }) => Name);

  it('answers SOQL', async () => {
    const parent = org.create('Account', { Name: 'Parent', Industry: 'Mills' });
    org.create('Account', { Name: "O'Hara", ParentId: parent.Id, NumberOfEmployees: 3 });
    org.create('Account', { Name: 'Ünï 100%', NumberOfEmployees: 12 });
    const from = 'SELECT Name FROM Account';
    expect(await names(`${from} WHERE Name = 'O\\'Hara'`)).toEqual(["O'Hara"]);
    expect(await names(`${from} WHERE name = 'o\\'hara'`)).toEqual(["O'Hara"]);
    expect(await names(`${from} WHERE Name LIKE '%100\\%'`)).toEqual(['Ünï 100%']);
    expect(await names(`${from} WHERE NumberOfEmployees > 2 ORDER BY NumberOfEmployees DESC`)).toEqual([
      'Ünï 100%',
      "O'Hara",
    ]);
    expect(await names(`${from} WHERE NOT (NumberOfEmployees = 3 OR Name = 'Parent')`)).toEqual(['Ünï 100%']);
    expect(await names(`${from} WHERE Id IN ('${parent.Id.slice(0, 15)}')`)).toEqual(['Parent']);
    expect(await names(`${from} WHERE Parent.Industry = 'Mills'`)).toEqual(["O'Hara"]);
    expect(await names(`${from} WHERE ParentId != null`)).toEqual(["O'Hara"]);
    expect(await names(`${from} ORDER BY NumberOfEmployees NULLS LAST LIMIT 1 OFFSET 1`)).toEqual([
      'Ünï 100%',
    ]);
    expect(await names(`${from} WHERE SystemModstamp >= 2026-01-31T12:00:01Z`)).toEqual([]);
    expect(await names(`${from} WHERE SystemModstamp = 2026-01-31T13:00:00+01:00`)).toHaveLength(3);
    expect((await connection.query('SELECT COUNT() FROM Account')).totalSize).toBe(3);
    const { records } = await connection.query(
      'SELECT Name, Parent.Name FROM Account WHERE ParentId != null',
    );
    expect(records).toMatchObject([{ Name: "O'Hara", Parent: { Name: 'Parent' } }]);
    const all = await connection.query("SELECT FIELDS(ALL) FROM Account WHERE Name = 'Parent' LIMIT 200");
    expect(all.records[0]).toMatchObject({ Id: parent.Id, SystemModstamp: '2026-01-31T12:00:00.000+0000' });
  });

  it.each([
    ['SELECT Nmae FROM Account', 'INVALID_FIELD'],
    ['SELECT Name FROM Account WHERE', 'MALFORMED_QUERY'],
    ["SELECT Name FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY'],
    ["SELECT Name FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
    ['SELECT Name FROM Account WHERE NumberOfEmployees > LAST_YEAR', 'MALFORMED_QUERY'],
    ["SELECT Name FROM Account WHERE Id = 'nonsense'", 'INVALID_QUERY_FILTER_OPERATOR'],
    ['SELECT FIELDS(ALL) FROM Account', 'MALFORMED_QUERY'],
  ])('refuses %s', async (soql, code) => {
    expect(await refusal(connection.query(soql))).toMatchObject({ code });
  });

  it('gives back every text that is stored, by a query for it', async () => {
    const texts = fc
      .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
      .filter((text) => text.trim() === text);
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { Id } = org.create('Account', { Name: 'A', Description: text });
        const quoted = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
        const { records } = await connection.query<{ Description: string }>(
          `SELECT Description FROM Account WHERE Id = '${Id}' AND Description = '${quoted}'`,
        );
        expect(records).toMatchObject([{ Description: text }]);
      }),
      { numRuns: 50 },
    );
  });

  it('gives 10,001 rows in pages of 2,000, of which jsforce reads as many as it is told', async () => {
    for (let i = 0; i < 10_001; i++) org.create('Account', { Name: `A${i}` });
    const first = await connection.query('SELECT Id FROM Account');
    expect(first).toMatchObject({ totalSize: 10_001, done: false });
    expect(first.records).toHaveLength(2_000);
    const ids = new Set<string>();
    let page = first;
    for (;;) {
      page.records.forEach(({ Id }) => ids.add(Id as string));
      if (page.done) break;
      page = await connection.queryMore(page.nextRecordsUrl!);
    }
    expect(ids.size).toBe(10_001);
    expect(
      await refusal(connection.queryMore('/services/data/v60.0/query/01g000000000000-2000')),
    ).toMatchObject({
      code: 'INVALID_QUERY_LOCATOR',
    });
  });

  it('tells what was changed and deleted, in whole minutes, and for how long it knows', async () => {
    const kept = org.create('Account', { Name: 'kept' });
    const gone = org.create('Account', { Name: 'gone' });
    org.delete(gone.Id);
    const start = new Date(time - 3_600_000).toISOString();
    time += 120_000;
    const end = new Date(time).toISOString();
    const account = connection.sobject('Account');
    expect(await account.updated(start, end)).toEqual({
      ids: [kept.Id],
      latestDateCovered: '2026-01-31T12:02:00.000+0000',
    });
    expect(await account.deleted(start, end)).toMatchObject({
      deletedRecords: [{ id: gone.Id, deletedDate: '2026-01-31T12:00:00.000+0000' }],
    });
    expect(
      (await connection.query('SELECT Id, IsDeleted FROM Account', { scanAll: true })).records,
    ).toHaveLength(2);
    expect((await connection.query('SELECT Id FROM Account')).records).toHaveLength(1);
    expect(await refusal(account.updated(new Date(time - 31 * 86_400_000).toISOString(), end))).toMatchObject(
      {
        code: 'INVALID_REPLICATION_DATE',
      },
    );
    org.emptyRecycleBin('Account');
    expect(await refusal(account.deleted(start, end))).toMatchObject({ code: 'INVALID_REPLICATION_DATE' });
    expect((await connection.query('SELECT Id FROM Account', { scanAll: true })).records).toHaveLength(1);
  });

  it('shows what a long transaction has done when it commits, with the stamps of before', async () => {
    const long = org.transaction();
    const id = long.create('Account', { Name: 'late' });
    time += 30_000;
    org.create('Account', { Name: 'quick' });
    expect(await names('SELECT Name FROM Account')).toEqual(['quick']);
    long.commit();
    expect(await names('SELECT Name FROM Account ORDER BY SystemModstamp')).toEqual(['late', 'quick']);
    expect(org.get(id)!.SystemModstamp).toBe('2026-01-31T12:00:00.000+0000');
  });
});
