import { mirror, SyncModule, type Mirror } from 'nestjs-hybrid-sync';
import { salesforceObject, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { startHost, until, type Host } from '../support/host.js';
import { sourceAt, startCrmHost, startOrg } from '../support/salesforce.js';
import { quick } from '../support/scenario.js';

describe('what only the org can tell of a set-up', () => {
  let org: FakeSalesforce;
  beforeEach(async () => (org = await startOrg()));
  afterEach(() => org.close());

  const login = (more: object) => ({ login: { ...org.login, ...more } });

  it.each<[string, () => Partial<SalesforceOptions>, RegExp]>([
    [
      'a wrong password',
      () => login({ password: 'x' }),
      /source 'crm': default: .*login failed \(password\): invalid_grant/,
    ],
    ['a wrong client', () => login({ clientId: 'x' }), /invalid_client_id.*Correct the login/],
    ['an object that is misspelt', () => ({ objects: ['Acount'] }), /the org has no object 'Acount'/],
    [
      'a field that is misspelt',
      () => ({ objects: { Account: { fields: ['Nmae'] } } }),
      /no such field of Account: 'Nmae'. Did you mean 'Name'\?/,
    ],
    [
      'an object in another case',
      () => ({ objects: ['account'] }),
      /no object 'account'. Did you mean 'Account'/,
    ],
    [
      'a field in another case',
      () => ({ objects: { Account: { fields: ['name'] } } }),
      /no such field of Account: 'name'. Did you mean 'Name'/,
    ],
    [
      'a field of a parent that it has not',
      () => ({ objects: { Account: { fields: ['Name', 'Owner.Nope'] } } }),
      /not all of these fields of parents of Account: Owner.Nope/,
    ],
    [
      'an object that it has not, with a field of a parent',
      () => ({ objects: { Acount: { fields: ['Owner.Name'] } } }),
      /the org has no object 'Acount'/,
    ],
    [
      'another org that is closed',
      () => ({ connections: { eu: login({ password: 'x' }).login } }),
      /eu: .*invalid_grant/,
    ],
  ])('is told at boot: %s', async (_, crm, message) => {
    await expect(startCrmHost(org, { crm: crm() })).rejects.toThrow(message);
  });

  it.each<[string, object, RegExp]>([
    [
      'that there is not',
      { externalId: 'Strip_Id__c' },
      /no such field of Invoice__c: 'Strip_Id__c'. Did you mean 'Stripe_Id__c'/,
    ],
    ['of numbers', { externalId: 'Total__c' }, /Invoice__c.Total__c is of numbers/],
    ['that is none', { externalId: 'Status__c' }, /Invoice__c.Status__c is no external id: mark it as one/],
  ])('is told at boot: an external id %s', async (_, options, message) => {
    const to = salesforceObject('crm', 'Invoice__c', options as { externalId: string });
    const wrong: Mirror = mirror('stripe', 'invoice', { to, map: () => ({}) });
    await expect(
      startHost({
        ...quick,
        mirrors: [wrong],
        imports: [SyncModule.forFeature({ sources: { crm: sourceAt(org) } })],
      }),
    ).rejects.toThrow(message);
  });

  it('keeps nobody from booting while the org is away', async () => {
    org.faults.outage = true;
    let host: Host | undefined;
    try {
      host = await startCrmHost(org, { crm: { objects: ['Acount'], poll: { everyMs: 20 } } });
      org.faults.outage = false;
      await until(async () => (await host!.sync.status()).length > 0);
    } finally {
      await host?.close();
    }
  });

  it('is nothing that a process asks which calls no API', async () => {
    const host = await startCrmHost(org, { crm: { objects: ['Acount'] }, role: 'ingest' });
    await host.close();
    expect(org.requests.length).toBe(0);
  });
});
