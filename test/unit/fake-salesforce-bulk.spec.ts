import { openOrg, refusal, type Org } from './salesforce-org.js';

const QUICKLY = { pollInterval: 1, pollTimeout: 20_000 };

describe('bulk jobs of a FakeSalesforce, by the real jsforce', () => {
  let org: Org['org'];
  let connection: Org['connection'];
  beforeEach(async () => ({ org, connection } = await openOrg()));
  afterEach(() => org.close());

  const queried = async (soql: string, options: object = {}) =>
    (await connection.bulk2.query(soql, { ...QUICKLY, ...options })).toArray();
  /** As jsforce begins one, and without its last attempt to delete what has failed, which nobody waits for. */
  const begin = (query: string) =>
    connection.request<{ id: string; state: string }>({
      method: 'POST',
      url: '/jobs/query',
      body: JSON.stringify({ operation: 'query', query }),
    });
  const load = (
    options: Omit<Parameters<typeof connection.bulk2.loadAndWaitForResults>[0], 'pollInterval'>,
  ) => connection.bulk2.loadAndWaitForResults({ ...QUICKLY, ...options });
  const looks = (kind: 'query' | 'ingest') =>
    org.requests.count({ method: 'GET', path: new RegExp(`/jobs/${kind}/[^/]+$`) });

  describe('that query', () => {
    it('give what was asked for, as text, in quotes', async () => {
      const parent = org.create('Account', { Name: 'Parent' });
      org.create('Account', {
        Name: 'Ünï "quoted", with\nlines',
        AnnualRevenue: 5,
        NumberOfEmployees: 3,
        ParentId: parent.Id,
      });
      const soql =
        'SELECT Name, AnnualRevenue, NumberOfEmployees, IsDeleted, Parent.Name, Phone FROM Account WHERE ParentId != null';
      expect(await queried(soql)).toEqual([
        {
          Name: 'Ünï "quoted", with\nlines',
          AnnualRevenue: '5.0',
          NumberOfEmployees: '3',
          IsDeleted: 'false',
          'Parent.Name': 'Parent',
          Phone: '',
        },
      ]);
      expect(await queried(soql, { lineEnding: 'CRLF' })).toHaveLength(1);
    });

    it('write times otherwise than REST does', async () => {
      const { CreatedDate } = org.create('Account', { Name: 'Ada' });
      expect(CreatedDate).toMatch(/\+0000$/);
      expect(await queried('SELECT CreatedDate FROM Account')).toEqual([
        { CreatedDate: CreatedDate.replace('+0000', 'Z') },
      ]);
    });

    it('have deleted records only where they are asked for', async () => {
      org.delete(org.create('Account', { Name: 'gone' }).Id);
      expect(await queried('SELECT Name FROM Account')).toEqual([]);
      expect(await queried('SELECT Name FROM Account', { scanAll: true })).toEqual([{ Name: 'gone' }]);
    });

    it('are done after as many looks as that takes', async () => {
      org.faults.jobLooks = 3;
      org.create('Account', { Name: 'Ada' });
      expect(await queried('SELECT Name FROM Account')).toHaveLength(1);
      expect(looks('query')).toBe(4);
    });

    it('show what was there when they were begun', async () => {
      org.faults.jobLooks = 1;
      const { Id } = org.create('Account', { Name: 'before' });
      const job = await begin('SELECT Name FROM Account');
      expect(job.state).toBe('UploadComplete');
      org.update(Id, { Name: 'after' });
      const results = `/jobs/query/${job.id}/results`;
      expect(await refusal(connection.request(results))).toMatchObject({ code: 'INVALIDJOBSTATE' });
      const look = () => connection.request<{ state: string }>(`/jobs/query/${job.id}`);
      expect(await look()).toMatchObject({ state: 'InProgress' });
      expect(await look()).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 1 });
      expect(await connection.request(results)).toEqual([{ Name: 'before' }]);
      await connection.request({ method: 'DELETE', url: `/jobs/query/${job.id}` });
      expect(await refusal(look())).toMatchObject({ code: 'NOT_FOUND' });
    });

    it('give results piece by piece', async () => {
      for (let i = 0; i < 5; i++) org.create('Account', { Name: `A${i}` });
      const job = connection.bulk2.job('query', await begin('SELECT Name FROM Account'));
      await job.poll(1, 20_000);
      const read: string[] = [];
      let locator: string | null = '';
      while (locator !== 'null') {
        const asked: string = `${org.url}/services/data/v60.0/jobs/query/${job.id}/results?maxRecords=2${locator && `&locator=${locator}`}`;
        const answer = await fetch(asked, { headers: { authorization: `Bearer ${org.accessToken}` } });
        expect(answer.headers.get('content-type')).toBe('text/csv');
        const [header, ...rows] = (await answer.text()).trimEnd().split('\n');
        expect(header).toBe('"Name"');
        expect(answer.headers.get('sforce-numberofrecords')).toBe(String(rows.length));
        read.push(...rows);
        locator = answer.headers.get('sforce-locator');
      }
      expect(read).toEqual(['"A0"', '"A1"', '"A2"', '"A3"', '"A4"']);
      expect(await refusal(connection.request(`/jobs/query/${job.id}/results?locator=x`))).toMatchObject({
        code: 'INVALIDLOCATOR',
      });
    });

    it.each([
      ['SELECT FIELDS(ALL) FROM Account LIMIT 200', 'FUNCTIONALITY_NOT_ENABLED'],
      ['SELECT Id, BillingAddress FROM Account', 'FUNCTIONALITY_NOT_ENABLED'],
      ['SELECT COUNT() FROM Account', 'API_ERROR'],
      ['SELECT Id FROM Account LIMIT 1 OFFSET 1', 'API_ERROR'],
      ['SELECT Nme FROM Account', 'INVALID_FIELD'],
      ['SELECT Id FROM Acount', 'INVALID_TYPE'],
    ])('refuse %s', async (soql, code) => {
      expect(await refusal(begin(soql))).toMatchObject({ code });
    });

    it('fail, and are aborted', async () => {
      org.faults.failedJobs = 1;
      const failing = connection.bulk2.job('query', await begin('SELECT Id FROM Account'));
      expect((await refusal(failing.poll(1, 20_000))).message).toMatch(/failed to complete/);
      expect(await queried('SELECT Id FROM Account')).toEqual([]);
      org.faults.jobLooks = Infinity;
      const job = connection.bulk2.job('query', await begin('SELECT Id FROM Account'));
      expect(await job.abort()).toMatchObject({ state: 'Aborted' });
      expect((await refusal(job.poll(1, 20_000))).message).toMatch(/aborted/);
      org.deleteJobs();
      expect(await refusal(job.check())).toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  describe('that write', () => {
    it('insert rows, and say of each what became of it', async () => {
      org.faults.jobLooks = 2;
      const input = [
        { Name: 'a "b", c', NumberOfEmployees: 3 },
        { Name: '', NumberOfEmployees: 4 },
      ];
      const results = await load({ object: 'Account', operation: 'insert', input });
      const [created] = org.all('Account');
      expect(created).toMatchObject({ Name: 'a "b", c', NumberOfEmployees: 3 });
      expect(org.all('Account')).toHaveLength(1);
      expect(results).toEqual({
        successfulResults: [
          { sf__Id: created!.Id, sf__Created: 'true', Name: 'a "b", c', NumberOfEmployees: '3' },
        ],
        failedResults: [
          {
            sf__Id: '',
            sf__Error: 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --',
            Name: '',
            NumberOfEmployees: '4',
          },
        ],
        unprocessedRecords: [],
      });
      expect(looks('ingest')).toBe(3);
    });

    it('update and delete by id', async () => {
      const [a, b] = ['a', 'b'].map((Name) => org.create('Account', { Name, Phone: '1' }).Id);
      const rows = `Id,Name,Phone\n${a},"two\nlines",#N/A\n${b},,2\n`;
      await load({ object: 'Account', operation: 'update', input: rows });
      expect(org.get(a!)).toMatchObject({ Name: 'two\nlines', Phone: null });
      expect(org.get(b!)).toMatchObject({ Name: 'b', Phone: '2' });
      const { failedResults } = await load({
        object: 'Account',
        operation: 'delete',
        input: [{ Id: a! }, { Id: '001000000000000AAA' }],
      });
      expect(org.get(a!)).toBeNull();
      expect(failedResults).toMatchObject([{ sf__Error: expect.stringMatching(/^NOT_FOUND/) }]);
    });

    it('upsert by an external id, with parents by theirs', async () => {
      org.defineObject('Account', { fields: { Ext__c: { type: 'string', externalId: true } } });
      const account = org.create('Account', { Name: 'Ada', Ext__c: 'x' });
      org.create('Invoice__c', { Stripe_Id__c: 'in_1', Total__c: 1 });
      const { successfulResults } = await load({
        object: 'Invoice__c',
        operation: 'upsert',
        externalIdFieldName: 'Stripe_Id__c',
        input: 'Stripe_Id__c,Total__c,Account__r.Ext__c\nin_1,2.5,x\nin_2,3,\n',
      });
      expect(successfulResults.map(({ sf__Created }) => sf__Created)).toEqual(['false', 'true']);
      expect(org.all('Invoice__c')).toMatchObject([
        { Stripe_Id__c: 'in_1', Total__c: 2.5, Account__c: account.Id },
        { Stripe_Id__c: 'in_2', Total__c: 3, Account__c: null },
      ]);
    });

    it('leave all rows unprocessed where they fail, and take none without a state for it', async () => {
      org.faults.failedJobs = 1;
      const job = connection.bulk2.createJob({ object: 'Account', operation: 'insert' });
      await job.open();
      await job.uploadData([{ Name: 'a' }]);
      expect((await refusal(job.uploadData('Name\nb\n'))).message).toMatch(/once/);
      await job.close();
      expect((await refusal(job.poll(1, 20_000))).message).toMatch(/failed on purpose/);
      expect(await job.getUnprocessedRecords()).toEqual([{ Name: 'a' }]);
      expect(org.all('Account')).toEqual([]);
      await job.delete();
      expect(await refusal(job.check())).toMatchObject({ code: 'NOT_FOUND' });
    });

    it.each([
      [{ object: 'Account', operation: 'merge' }, 'INVALIDJOB'],
      [{ object: 'Acount', operation: 'insert' }, 'INVALID_TYPE'],
      [{ object: 'Account', operation: 'upsert' }, 'INVALIDJOB'],
      [{ object: 'Account', operation: 'insert', columnDelimiter: 'DOT' }, 'INVALIDJOB'],
    ])('are refused: %j', async (options, code) => {
      const job = connection.bulk2.createJob(options as never);
      expect(await refusal(job.open())).toMatchObject({ code });
    });
  });
});
