import { salesforce, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import type { ListPage } from '../../lib/model/listing.js';

const OPTIONS = { signal: new AbortController().signal, timeoutMs: 20_000, nowMs: Date.now() };

const CREATE = { method: 'POST', path: /\/jobs\/query$/ };
const RESULTS = { method: 'GET', path: /\/jobs\/query\/\w+\/results$/ };

describe('a listing of an object', () => {
  let org: FakeSalesforce;
  beforeEach(async () => (org = await FakeSalesforce.start()));
  afterEach(() => org.close());

  const create = (count: number, object = 'Account') =>
    Array.from({ length: count }, (_, i) => org.create(object, { Name: `A${i}` }).Id);

  interface Walk {
    readonly ids: readonly string[];
    readonly pages: readonly ListPage[];
  }
  /** From the first page to the last, one connector for all pages or one for each. */
  const walk = async (
    options: Partial<SalesforceOptions> = {},
    {
      resource = 'Account',
      from = null,
      to = null,
      each,
      apart,
    }: {
      resource?: string;
      from?: Date | null;
      to?: Date | null;
      each?: (page: ListPage) => void;
      apart?: boolean;
    } = {},
  ): Promise<Walk> => {
    const { accessToken, url: instanceUrl } = org;
    const login = { flow: 'token', accessToken, instanceUrl } as const;
    const connect = () => salesforce({ login, objects: [resource], bulkAbove: 250, ...options }).connector;
    let connector = connect();
    const pages: ListPage[] = [];
    for (let page: string | null = null; pages.length === 0 || page !== null;) {
      const answer: ListPage = await connector.list!(
        { connectionId: 'default', resource, from, to, page },
        OPTIONS,
      );
      each?.(answer);
      pages.push(answer);
      page = answer.next;
      if (apart) connector = connect();
    }
    return { ids: pages.flatMap(({ records }) => records.map(({ id }) => id)), pages };
  };
  const named = { objects: { Account: { fields: ['Name'] } } };

  describe('page by page', () => {
    it('has each record once, over many pages, although others come and go', async () => {
      const ids = create(10_001);
      let pages = 0;
      const { ids: listed } = await walk(
        { ...named, bulkAbove: Infinity },
        {
          each: () => {
            org.delete(ids[pages++]!);
            org.create('Account', { Name: 'later' });
          },
        },
      );
      expect(listed.slice(0, ids.length)).toEqual(ids);
      expect(new Set(listed).size).toBe(listed.length);
      expect(pages).toBe(6);
    });

    it('costs no call more where it ends with its first page', async () => {
      create(199);
      await walk({ bulkAbove: 0 });
      expect(org.requests.count()).toBe(1);
    });

    it('is counted where it does not, and goes on so up to the threshold', async () => {
      const ids = create(250);
      expect((await walk()).ids).toEqual(ids);
      expect(org.requests.all().map(({ query }) => query.q!.slice(0, 14))).toEqual([
        'SELECT FIELDS(',
        'SELECT COUNT()',
        'SELECT FIELDS(',
      ]);
    });

    it.each<[string, Partial<SalesforceOptions>, string?]>([
      ['fields of parents', { objects: { Account: { fields: ['Name', 'Parent.Name'] } }, bulkAbove: 0 }],
      ['an address that is the org’s own', { objects: ['Site__c'] }, 'Site__c'],
    ])('is all that there is for %s', async (_, options, resource = 'Account') => {
      org.defineObject('Site__c', {
        fields: {
          Home__c: { type: 'address' },
          Home__Street__s: { type: 'textarea', compound: 'Home__c' },
        },
      });
      const ids = create(resource === 'Account' ? 2_001 : 300, resource);
      expect((await walk(options, { resource })).ids).toEqual(ids);
      expect(org.requests.count(CREATE)).toBe(0);
    });

    it('is what is left where an org refuses jobs', async () => {
      const ids = create(300);
      org.faults.failNext({ match: CREATE, status: 400, code: 'INVALIDENTITY' });
      expect((await walk()).ids).toEqual(ids);
      expect(org.requests.count(CREATE)).toBe(1);
    });
  });

  describe('by a query job', () => {
    it('has each record once, by far fewer calls', async () => {
      const ids = create(5_001);
      org.faults.jobLooks = 2;
      expect((await walk()).ids).toEqual(ids);
      // Page by page these are 26.
      expect(org.requests.count()).toBeLessThanOrEqual(10);
    });

    it('is what is there of a time, and not deleted', async () => {
      const moments = [0, 3_600_000, 7_200_000].map((offsetMs) => {
        org.clock.offsetMs = offsetMs;
        const ids = create(300);
        org.delete(ids[299]!);
        return { ids: ids.slice(0, -1), at: new Date(org.get(ids[0]!)!.CreatedDate.replace('+0000', 'Z')) };
      });
      const { ids } = await walk({}, { from: moments[1]!.at, to: moments[2]!.at });
      expect(ids).toEqual(moments[1]!.ids);
      expect(org.requests.count(CREATE)).toBe(1);
    });

    it('says when to ask again, and that its records are as they were when the job was begun', async () => {
      const ids = create(300);
      org.faults.jobLooks = 7;
      const { pages } = await walk();
      const seconds = pages.map(({ againInMs = 0 }) => againInMs / 1_000);
      expect(seconds).toEqual([0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 0, 0, 0]);
      const [rows, counted, begun, ...others] = pages;
      expect([rows, counted, begun].map((page) => page!.asBefore)).toEqual([undefined, undefined, undefined]);
      const [end, ...shown] = others.reverse();
      expect(shown.map(({ asBefore }) => asBefore)).toEqual(shown.map(() => true));
      expect(end!.records).toEqual([]);
      expect(shown[0]!.records.map(({ id }) => id)).toEqual(ids.slice(200));
    });

    it('is read piece by piece where it has many fields, by whichever process', async () => {
      const fields = Object.fromEntries(
        Array.from({ length: 210 }, (_, i) => [`F${i}__c`, { type: 'string' as const }]),
      );
      org.defineObject('Wide__c', { fields });
      const ids = create(1_300, 'Wide__c');
      const { ids: listed, pages } = await walk({}, { resource: 'Wide__c', apart: true });
      expect(listed).toEqual(ids);
      expect(Math.max(...pages.map(({ records }) => records.length))).toBe(1_000);
      expect(org.requests.count(RESULTS)).toBe(2);
      expect(org.requests.count(CREATE)).toBe(1);
    });

    it('gives times, numbers and empty fields as rows do', async () => {
      org.create('Account', { Name: 'first', AnnualRevenue: 5 });
      create(299);
      const { pages } = await walk();
      const [byRow, byJob] = pages
        .filter(({ records }) => records.length > 0)
        .map(({ records }) => records[0]!);
      expect(Object.keys(byJob!.data!).sort()).toEqual(Object.keys(byRow!.data!).sort());
      expect(byJob!.data).toMatchObject({
        CreatedDate: expect.stringMatching(/\+0000$/),
        AnnualRevenue: null,
      });
    });

    it.each(['look', 'results'])('begins again where the job is gone at the step %s', async (step) => {
      const ids = create(300);
      let isGone = false;
      const each = ({ next }: ListPage) => {
        if (isGone || !next?.includes(`"step":"${step}"`)) return;
        isGone = true;
        org.deleteJobs();
      };
      expect((await walk({}, { each })).ids).toEqual(ids);
      expect(org.requests.count(CREATE)).toBe(2);
    });

    it('begins again where a job has failed', async () => {
      const ids = create(300);
      org.faults.failedJobs = 2;
      expect((await walk()).ids).toEqual(ids);
      expect(org.requests.count(CREATE)).toBe(3);
    });

    it('begins again where the object has another field since', async () => {
      create(300);
      const { pages } = await walk(
        {},
        {
          apart: true,
          each: ({ next }) => {
            if (next?.includes('"results"'))
              org.defineObject('Account', { fields: { New__c: { type: 'string' } } });
          },
        },
      );
      expect(org.requests.count(CREATE)).toBe(2);
      const { records } = pages.find(({ asBefore, records: its }) => asBefore && its.length > 0)!;
      expect(records).toHaveLength(100);
      expect(records[0]!.data).toHaveProperty('New__c', null);
    });

    it('gives up after three jobs', async () => {
      create(300);
      org.faults.failedJobs = Infinity;
      await expect(walk()).rejects.toMatchObject({
        failure: 'rejected',
        message: 'Salesforce: 3 query jobs of Account have ended without results: Failed, Failed, Failed',
      });
      expect(org.requests.count(CREATE)).toBe(3);
    });

    it.each([
      ['that are cut off', '"Id"\n"001', {}, 'MALFORMED_CSV'],
      [
        'of which some are missing',
        '"Id"\n',
        { 'sforce-locator': 'null', 'sforce-numberofrecords': '1' },
        'INCOMPLETE_RESULTS',
      ],
      ['that do not say whether there are more', '"Id"\n', {}, 'INCOMPLETE_RESULTS'],
    ])('takes no results %s', async (_, body, headers, code) => {
      create(300);
      const failure = {
        match: RESULTS,
        status: 200,
        body,
        headers: { 'content-type': 'text/csv', ...headers },
      };
      org.faults.failNext(failure);
      await expect(walk()).rejects.toMatchObject({ failure: 'unavailable', answer: code });
    });

    it('is complete although its job cannot be deleted', async () => {
      const ids = create(300);
      org.faults.failNext({ match: { method: 'DELETE' }, status: 500 });
      expect((await walk()).ids).toEqual(ids);
    });
  });
});
