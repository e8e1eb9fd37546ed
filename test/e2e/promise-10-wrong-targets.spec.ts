import { mirror, SyncModule, type Mirror } from 'nestjs-hybrid-sync';
import { salesforceObject, type SalesforceObjectTargetOptions } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { startHost } from '../support/host.js';
import { sourceAt, startOrg } from '../support/salesforce.js';
import { quick } from '../support/scenario.js';

const mirrorTo = (source: string, options: SalesforceObjectTargetOptions): Mirror =>
  mirror('stripe', 'invoice', { to: salesforceObject(source, 'Invoice__c', options), map: () => ({}) });

describe('a mirror to a target that cannot be meant', () => {
  let org: FakeSalesforce;
  beforeEach(async () => (org = await startOrg()));
  afterEach(() => org.close());

  it.each<[string, Mirror, RegExp]>([
    [
      'a source that is not there',
      mirrorTo('crn', { externalId: 'X__c' }),
      /SYNC_UNKNOWN_SOURCE.*'crn'.*There are: 'stripe', 'crm'/,
    ],
    [
      'a source of another kind',
      mirrorTo('stripe', { externalId: 'X__c' }),
      /'stripe' is no Salesforce source/,
    ],
    [
      'a connection that is not there',
      mirrorTo('crm', { externalId: 'X__c', connectionId: 'eu' }),
      /'crm' has no connection 'eu'/,
    ],
    ['a name that is none', mirrorTo('crm', { externalId: 'a b' }), /'a b' is no API name/],
    [
      'a field that is not there',
      mirrorTo('crm', { externalId: 'Stripe_Id__c', notCompared: ['Totl__c'] }),
      /no such field of Invoice__c.*Totl__c.*Total__c/,
    ],
    [
      'a field that is no array of fields',
      mirrorTo('crm', { externalId: 'Stripe_Id__c', notCompared: 'Total__c' as never }),
      /notCompared must be an array/,
    ],
    [
      'a `read` that is no method',
      mirror('stripe', 'invoice', {
        to: { name: 'x', write: () => Promise.resolve([]), read: true as never },
        map: () => ({}),
      }),
      /methods only for `read` and `isSame`/,
    ],
    [
      'a transaction',
      mirror('stripe', 'invoice', {
        to: salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' }),
        map: () => ({}),
        transaction: 'required' as 'none',
      }),
      /transaction must be 'none'/,
    ],
    [
      'no map',
      mirror('stripe', 'invoice', {
        to: salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' }),
      } as never),
      /map is missing/,
    ],
  ])('says at boot that there is %s', async (_, wrong, message) => {
    const imports = [SyncModule.forFeature({ sources: { crm: sourceAt(org) } })];
    await expect(startHost({ ...quick, mirrors: [wrong], imports })).rejects.toThrow(message);
  });
});
