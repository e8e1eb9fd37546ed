import type { PollResult } from 'nestjs-hybrid-sync';
import { salesforce, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { defineInvoice } from './invoice-object.js';
import { startHost, until, type Host, type HostOptions } from './host.js';
import { quick } from './scenario.js';

/** An org with an object of its own beside the standard ones. */
export async function startOrg(): Promise<FakeSalesforce> {
  const org = await FakeSalesforce.start();
  // Only seconds that are over are read: what a test changes is.
  org.clock.offsetMs = -10_000;
  defineInvoice(org);
  return org;
}

export function sourceAt(org: FakeSalesforce, options: Partial<SalesforceOptions> = {}) {
  return salesforce({
    login: org.login,
    objects: ['Account', 'Contact', 'Invoice__c'],
    start: 'log',
    backoffMs: () => 20,
    callsPerSecond: 1_000,
    sourceCallsPerSecond: 1_000,
    ...options,
  });
}

/** A host whose only source is an org, called `crm`. */
export function startCrmHost(
  org: FakeSalesforce,
  { crm = {}, ...options }: Partial<HostOptions> & { crm?: Partial<SalesforceOptions> } = {},
): Promise<Host> {
  return startHost({
    ...quick,
    ...options,
    source: undefined,
    sync: { ...quick.sync, ...options.sync, sources: { crm: sourceAt(org, crm) } },
  });
}

/** Polls, when no walk of the module's own is under way. */
export async function pollNow(host: Host): Promise<PollResult> {
  let result: PollResult | undefined;
  await until(async () => ([result] = await host.sync.poll({ source: 'crm' })).length > 0);
  return result!;
}
