import { SalesforceConnector } from '../../connectors/salesforce/salesforce.connector.js';
import type { ResolvedSource } from '../../sync.source.options.js';
import { FakeSalesforce } from '../fake-salesforce/fake-salesforce.js';
import { CALLS_PER_SECOND, standIns } from './stand-ins.js';

/** Only seconds that are over are read of an org: in a test, what is changed is so at once. */
export const BEHIND_MS = 10_000;

type Sources = Readonly<Record<string, ResolvedSource>>;
export type Orgs = Readonly<Record<string, FakeSalesforce>>;

/** A fake for each Salesforce source. @throws TypeError for a name that is none */
export function orgsFor(sources: Sources, given: Orgs, firstSeed: number): Promise<Orgs> {
  const start = (seed: number) => FakeSalesforce.start({ seed });
  const kind = { provider: 'Salesforce', connector: SalesforceConnector, option: 'orgs', start };
  return standIns(kind, sources, given, firstSeed);
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

/** Resolves when the module listens to what the org streams, if it is to. */
export async function listeningTo(org: FakeSalesforce, { connector }: ResolvedSource): Promise<void> {
  if (connector.streamed?.length) await org.streaming.subscribed();
}
