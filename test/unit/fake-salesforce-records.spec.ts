import { openOrg, refusal, type Org } from './salesforce-org.js';

describe('FakeSalesforce, by the real jsforce', () => {
  let org: Org['org'];
  let connection: Org['connection'];
  beforeEach(async () => ({ org, connection } = await openOrg()));
  afterEach(() => org.close());

  it('creates, reads, changes and deletes one record', async () => {
    const created = await connection.sobject('Account').create({ Name: 'Analytical Engines' });
    expect(created).toMatchObject({ success: true });
    const { id } = created as { id: string };
    expect(id).toMatch(/^001\w{15}$/);
    expect(await connection.sobject('Account').retrieve(id)).toMatchObject({
      attributes: { type: 'Account', url: `/services/data/v60.0/sobjects/Account/${id}` },
      Id: id,
      Name: 'Analytical Engines',
      Phone: null,
      IsDeleted: false,
    });
    await connection.sobject('Account').update({ Id: id, Phone: '1815' });
    expect(org.get(id)).toMatchObject({ Name: 'Analytical Engines', Phone: '1815' });
    await connection.sobject('Account').destroy(id);
    expect(org.get(id)).toBeNull();
    expect(await refusal(connection.sobject('Account').retrieve(id))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusal(connection.sobject('Account').update({ Id: id, Phone: '1' }))).toMatchObject({
      code: 'ENTITY_IS_DELETED',
    });
    expect(org.undelete(id)).toMatchObject({ Phone: '1815' });
  });

  it('finds a record by the short form of its id', async () => {
    const { Id } = org.create('Account', { Name: 'A' });
    expect(await connection.sobject('Account').retrieve(Id.slice(0, 15))).toMatchObject({ Id });
  });

  it.each([
    [{}, 'REQUIRED_FIELD_MISSING', /\[Name\]/],
    [{ Name: 'A', Nmae: 'B' }, 'INVALID_FIELD', /No such column 'Nmae' on entity 'Account'/],
    [{ Name: 'A'.repeat(256) }, 'STRING_TOO_LONG', /max length=255/],
    [
      { Name: 'A', SystemModstamp: '2026-01-01T00:00:00Z' },
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      /SystemModstamp/,
    ],
    [{ Name: 'A', ParentId: 'nonsense' }, 'MALFORMED_ID', /ParentId/],
    [{ Name: 'A', NumberOfEmployees: 'many' }, 'JSON_PARSER_ERROR', /NumberOfEmployees/],
  ])('refuses %j with %s', async (fields, code, message) => {
    const refused = await refusal(connection.sobject('Account').create(fields));
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(org.all('Account')).toEqual([]);
  });

  it('keeps values as Salesforce does, which is not always as they were given', async () => {
    org.defineObject('Visit__c', {
      fields: {
        Day__c: { type: 'date' },
        At__c: { type: 'datetime' },
        Fee__c: { type: 'currency' },
        Share__c: { type: 'percent' },
        Note__c: { type: 'string' },
        Page__c: { type: 'textarea', html: true },
        Tags__c: { type: 'multipicklist' },
        Done__c: { type: 'boolean' },
      },
    });
    const { id } = (await connection.sobject('Visit__c').create({
      Day__c: '2026-01-31T23:00:00Z',
      At__c: '2026-01-31T12:00:00.789+02:00',
      Fee__c: 12.345_6,
      Share__c: 12.345_6,
      Note__c: ' padded\n',
      Page__c: "<p>it's</p>",
      Tags__c: 'b;a',
      Done__c: null,
    })) as { id: string };
    expect(await connection.sobject('Visit__c').retrieve(id)).toMatchObject({
      Day__c: '2026-01-31',
      At__c: '2026-01-31T10:00:00.000+0000',
      Fee__c: 12.35,
      Share__c: 12.345_6,
      Note__c: 'padded',
      Page__c: '<p>it&#39;s</p>',
      Tags__c: 'a;b',
      Done__c: false,
    });
    const { fields } = await connection.sobject('Visit__c').describe();
    expect(fields.find(({ name }) => name === 'Fee__c')).toMatchObject({ type: 'currency', scale: 2 });
  });

  it('refuses an object that there is not', async () => {
    expect(await refusal(connection.query('SELECT Id FROM Invoice'))).toMatchObject({ code: 'INVALID_TYPE' });
  });

  it('upserts by an external id, whatever is in it', async () => {
    const send = (value: string, fields: object) =>
      connection.request({
        method: 'PATCH',
        url: `/sobjects/Invoice__c/Stripe_Id__c/${encodeURIComponent(value)}`,
        body: JSON.stringify(fields),
        headers: { 'content-type': 'application/json' },
      });
    for (const value of ['in_1', 'a/b c', "O'Hara", 'ü–日本', 'IN_1']) {
      expect(await send(value, { Total__c: 1 })).toMatchObject({ success: true, created: true });
      expect(await send(value, { Total__c: 2 })).toMatchObject({ success: true, created: false });
    }
    expect(org.all('Invoice__c').map((record) => [record.Stripe_Id__c, record.Total__c])).toEqual([
      ['in_1', 2],
      ['a/b c', 2],
      ["O'Hara", 2],
      ['ü–日本', 2],
      ['IN_1', 2],
    ]);
    const byName = connection.sobject('Invoice__c').upsert({ Name: 'x' }, 'Name');
    expect(await refusal(byName)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keeps a value of an external id for one record', async () => {
    await connection.sobject('Invoice__c').create({ Stripe_Id__c: 'in_1' });
    const twice = connection.sobject('Invoice__c').create({ Stripe_Id__c: 'in_1' });
    expect(await refusal(twice)).toMatchObject({ code: 'DUPLICATE_VALUE' });
  });

  it('takes 200 records by one call and refuses 201, each with a result of its own', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ Stripe_Id__c: `in_${i}`, Total__c: i }));
    const locked = org.create('Invoice__c', { Stripe_Id__c: 'in_7' });
    org.lock(locked.Id, 1);
    const results = await connection
      .sobject('Invoice__c')
      .upsert([...rows.slice(0, 199), { Stripe_Id__c: 'in_x', Total__c: 'much' }], 'Stripe_Id__c');
    expect(results.filter(({ success }) => success)).toHaveLength(198);
    expect(results[7]).toMatchObject({ success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW' }] });
    expect(results[199]).toMatchObject({ success: false, errors: [{ statusCode: 'JSON_PARSER_ERROR' }] });
    expect(org.requests.count({ path: /composite/ })).toBe(1);

    const many = connection
      .sobject('Invoice__c')
      .upsert([...rows, { Stripe_Id__c: 'in_200' }], 'Stripe_Id__c');
    expect(await refusal(many)).toMatchObject({ code: 'EXCEEDED_ID_LIMIT' });
    expect(org.all('Invoice__c')).toHaveLength(199);
  });

  it('takes all of a collection or nothing, if that is wished', async () => {
    const results = await connection
      .sobject('Account')
      .create([{ Name: 'A' }, { Name: '' }], { allOrNone: true });
    expect(results.map(({ success }) => success)).toEqual([false, false]);
    expect(org.all('Account')).toEqual([]);
  });

  it('describes its objects', async () => {
    const { fields } = await connection.sobject('Invoice__c').describe();
    expect(fields.find(({ name }) => name === 'Stripe_Id__c')).toMatchObject({
      externalId: true,
      length: 120,
    });
    expect(fields.map(({ name }) => name)).toContain('SystemModstamp');
    const { sobjects } = await connection.describeGlobal();
    expect(sobjects.map(({ name }) => name)).toContain('Invoice__c');
  });
});
