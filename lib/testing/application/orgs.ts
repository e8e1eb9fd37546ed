import { SalesforceConnector } from '../../connectors/salesforce/salesforce.connector.js';
import type { ResolvedSource } from '../../sync.source.options.js';
import { FakeSalesforce } from '../fake-salesforce/fake-salesforce.js';

/** A fake has no limit to keep, and a test no time to wait for one. */
const CALLS_PER_SECOND = 10_000;

/** Only seconds that are over are read of an org: in a test, what is changed is so at once. */
export const BEHIND_MS = 10_000;

type Sources = Record<string, ResolvedSource>;
export type Orgs = Readonly<Record<string, FakeSalesforce>>;

/**
 * A fake for each Salesforce source: the given ones, and new ones for the rest.
 * @throws TypeError for a name that is no such source
 */
export async function orgsFor(sources: Sources, given: Orgs, firstSeed: number): Promise<Orgs> {
  const names = Object.keys(sources).filter(
    (name) => sources[name]!.connector instanceof SalesforceConnector,
  );
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const known = names.map((other) => `'${other}'`).join(', ') || 'none';
    throw new TypeError(`orgs: the application has no Salesforce source '${name}' (it has: ${known})`);
  }
  const orgs: Record<string, FakeSalesforce> = { ...given };
  // Two fakes of one seed make the same ids.
  for (const [place, name] of names.entries())
    orgs[name] ??= await FakeSalesforce.start({ seed: firstSeed + place });
  return orgs;
}

/** Lets a source talk to its fake. All else stays as the host has set it up. */
export function pointedAtOrg(org: FakeSalesforce, source: ResolvedSource): ResolvedSource {
  const { options } = source.connector as SalesforceConnector;
  const { login, orgId: organizationId } = org;
  const names = Object.keys(options.connections ?? {});
  const connector = new SalesforceConnector({
    ...options,
    login,
    connections: Object.fromEntries(names.map((name) => [name, login])),
    ...(options.outboundMessages && { outboundMessages: { ...options.outboundMessages, organizationId } }),
  });
  return { ...source, connector, callsPerSecond: CALLS_PER_SECOND };
}

/** Has an org send outbound messages of the objects that its source is about, if the source takes any. */
export function deliverFrom(org: FakeSalesforce, source: ResolvedSource, url: string): void {
  const { options, listable } = source.connector as SalesforceConnector;
  const [secret] = options.outboundMessages?.secrets ?? [];
  if (secret === undefined) return;
  for (const { resource } of listable) org.deliverTo(`${url}?secret=${encodeURIComponent(secret)}`, resource);
}
