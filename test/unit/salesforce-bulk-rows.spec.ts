import fc from 'fast-check';
import { salesforce, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import type { ListedRecord } from '../../lib/model/listing.js';

const OPTIONS = { signal: new AbortController().signal, timeoutMs: 20_000, nowMs: Date.now() };

/** Rows that a listing of whole records gives before it may come to a job. */
const FIRST_PAGE = 200;

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '"',
    '""',
    ',',
    'a;b|c^d`e\tf',
    'two\nlines',
    'two\r\nlines',
    '\r',
    '#N/A',
    'null',
    '1.0',
  ),
  fc.constantFrom(
    'true',
    '2026-01-31T12:00:00.000Z',
    'Ünï',
    '漢字',
    '👩‍👩‍👧',
    "O'Hara\\",
    '<b>&amp;</b>',
    '\uFEFFbom',
  ),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1, -1, 0.1, 1e15, -123456789012.34, 1e21, 1e-7, 2 ** 53),
);
const day = fc.date({ min: new Date('1700-01-01'), max: new Date('4000-12-31'), noInvalidDate: true });
const emptied = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 4 });

const record = fc.record(
  {
    Name: text.map((name) => name.trim() || 'x'),
    Text__c: emptied(text),
    Long__c: emptied(text),
    Choice__c: emptied(text),
    Yes__c: fc.boolean(),
    Count__c: emptied(fc.integer()),
    Double__c: emptied(number),
    Money__c: emptied(number),
    Share__c: emptied(number),
    Day__c: emptied(day.map((date) => date.toISOString().slice(0, 10))),
    At__c: emptied(day.map((date) => date.toISOString())),
    Place__Latitude__s: emptied(fc.double({ min: -90, max: 90, noNaN: true })),
    Place__Longitude__s: emptied(fc.double({ min: -180, max: 180, noNaN: true })),
    HomeStreet: emptied(text),
    HomeCity: emptied(text),
    HomeLatitude: emptied(number),
    HomeStateCode: emptied(text),
  },
  { requiredKeys: ['Name'] },
);

describe('a record in the results of a query job', () => {
  let org: FakeSalesforce;
  beforeEach(async () => {
    org = await FakeSalesforce.start();
    org.defineObject('Thing__c', {
      fields: {
        Text__c: { type: 'string' },
        Long__c: { type: 'textarea', length: 32_000 },
        Choice__c: { type: 'picklist' },
        Yes__c: { type: 'boolean' },
        Count__c: { type: 'int' },
        Double__c: { type: 'double' },
        Money__c: { type: 'currency' },
        Share__c: { type: 'percent' },
        Day__c: { type: 'date' },
        At__c: { type: 'datetime' },
        Owner__c: { type: 'reference', referenceTo: ['User'] },
        Place__c: { type: 'location' },
        Place__Latitude__s: { type: 'double', compound: 'Place__c' },
        Place__Longitude__s: { type: 'double', compound: 'Place__c' },
        HomeAddress: { type: 'address' },
        HomeStreet: { type: 'textarea', compound: 'HomeAddress' },
        HomeCity: { type: 'string', compound: 'HomeAddress' },
        HomeStateCode: { type: 'picklist', compound: 'HomeAddress' },
        HomeLatitude: { type: 'double', compound: 'HomeAddress' },
      },
    });
  });
  afterEach(() => org.close());

  const connectorOf = (objects: SalesforceOptions['objects']) => {
    const { accessToken, url: instanceUrl } = org;
    return salesforce({ login: { flow: 'token', accessToken, instanceUrl }, objects, bulkAbove: 0 })
      .connector;
  };
  type Connector = ReturnType<typeof connectorOf>;

  /** What a listing has behind its first page: by a job, or it is no test of anything. */
  const listedByJob = async (connector: Connector, resource: string): Promise<ListedRecord[]> => {
    const jobs = org.requests.count({ method: 'POST', path: /\/jobs\/query$/ });
    const found: ListedRecord[] = [];
    for (let page: string | null = null, pages = 0; page !== null || pages === 0; pages += 1) {
      const request = { connectionId: 'default', resource, from: null, to: null, page };
      const answer = await connector.list!(request, OPTIONS);
      if (pages > 0) found.push(...answer.records);
      page = answer.next;
    }
    expect(org.requests.count({ method: 'POST', path: /\/jobs\/query$/ })).toBe(jobs + 1);
    return found;
  };
  const fill = (object: string, fields: object, count = FIRST_PAGE) => {
    for (let i = 0; i < count; i++) org.create(object, { ...fields });
  };
  /** Every record as its own read gives it. */
  const expectAsRead = async (connector: Connector, resource: string, listed: readonly ListedRecord[]) => {
    const keys = listed.map(({ id }) => ({ source: 'crm', connectionId: 'default', resource, id }));
    const read = await connector.fetchMany!(keys, OPTIONS);
    expect(listed.map(({ data }) => ({ found: true, data }))).toEqual(read);
    for (const [i, { data }] of listed.entries()) {
      const { data: own } = read[i] as { data: object };
      expect(connector.fingerprint(resource, data!)).toBe(connector.fingerprint(resource, own));
    }
  };

  it('has the content that a single read gives, whatever its fields have in them', async () => {
    const connector = connectorOf(['Thing__c']);
    fill('Thing__c', { Name: 'before' });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
        const ids = records.map((fields) => org.create('Thing__c', fields).Id);
        try {
          const listed = await listedByJob(connector, 'Thing__c');
          expect(listed.map(({ id }) => id)).toEqual(ids);
          await expectAsRead(connector, 'Thing__c', listed);
        } finally {
          for (const id of ids) org.delete(id);
          org.emptyRecycleBin('Thing__c');
        }
      }),
      { numRuns: 25 },
    );
  });

  it('has addresses and names that are made of parts', async () => {
    const connector = connectorOf(['Account', 'Contact']);
    fill('Account', { Name: 'before' });
    org.create('Account', {
      Name: 'Ada',
      BillingStreet: '1 "A" St,\nfloor 2',
      BillingLatitude: 5,
      Phone: '',
    });
    const [ada] = await listedByJob(connector, 'Account');
    expect(ada!.data).toMatchObject({
      BillingStreet: '1 "A" St,\nfloor 2',
      BillingAddress: { street: '1 "A" St,\nfloor 2', city: null, latitude: 5, geocodeAccuracy: null },
      ShippingAddress: null,
      Phone: null,
    });
    await expectAsRead(connector, 'Account', [ada!]);
    fill('Contact', { LastName: 'before' });
    org.create('Contact', { FirstName: 'Ada', LastName: 'Lovelace', MailingCity: 'London' });
    const listed = await listedByJob(connector, 'Contact');
    expect(listed[0]!.data).toMatchObject({ Name: 'Ada Lovelace', MailingAddress: { city: 'London' } });
    await expectAsRead(connector, 'Contact', listed);
  });

  it('has the fields that are asked for, whatever the case of their names', async () => {
    const connector = connectorOf({ Account: { fields: ['name', 'BillingAddress', 'IsDeleted'] } });
    fill('Account', { Name: 'before' }, 2_000);
    org.create('Account', { Name: 'Ada', BillingCity: 'London', Phone: '1' });
    const listed = await listedByJob(connector, 'Account');
    expect(Object.keys(listed[0]!.data!).sort()).toEqual([
      'BillingAddress',
      'Id',
      'IsDeleted',
      'Name',
      'SystemModstamp',
    ]);
    await expectAsRead(connector, 'Account', listed);
  });
});
