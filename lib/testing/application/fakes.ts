import { StripeConnector } from '../../connectors/stripe/stripe.connector.js';
import type { StripeConnectionOptions } from '../../connectors/stripe/stripe.options.js';
import type { ResolvedSource } from '../../sync.source.options.js';
import { FakeStripe } from '../fake-stripe/fake-stripe.js';

/** A fake has no limit to keep, and a test no time to wait for one. */
const CALLS_PER_SECOND = 10_000;

type Sources = Record<string, ResolvedSource>;
export type Fakes = Readonly<Record<string, FakeStripe>>;

/**
 * A fake for each source that there are fakes of: the given ones, and new ones for the rest.
 * @throws TypeError for a name that is no such source
 */
export async function fakesFor(sources: Sources, given: Fakes, firstSeed: number): Promise<Fakes> {
  const names = Object.keys(sources).filter((name) => sources[name]!.connector instanceof StripeConnector);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const known = names.map((other) => `'${other}'`).join(', ') || 'none';
    throw new TypeError(`fakes: the application has no Stripe source '${name}' (it has: ${known})`);
  }
  const fakes: Record<string, FakeStripe> = { ...given };
  // Two fakes of one seed make the same ids.
  for (const [place, name] of names.entries())
    fakes[name] ??= await FakeStripe.start({ seed: firstSeed + place });
  return fakes;
}

/** Lets a source talk to its fake. All else stays as the host has set it up. */
export function pointedAt(fake: FakeStripe, source: ResolvedSource): ResolvedSource {
  const { options } = source.connector as StripeConnector;
  const connections = Object.entries(options.connections ?? {}).map(
    ([name, connection]) => [name, connectionAt(fake, connection)] as const,
  );
  const { apiKey, webhookSecrets, connection } = fake;
  const connector = new StripeConnector({
    ...options,
    apiKey,
    webhookSecrets,
    connections: Object.fromEntries(connections),
    httpAgent: undefined,
    ...connection,
  });
  return { ...source, connector, callsPerSecond: CALLS_PER_SECOND };
}

/** The fake knows one key and one list of secrets. A connection without those of its own stays without. */
function connectionAt(fake: FakeStripe, own: StripeConnectionOptions): StripeConnectionOptions {
  return {
    apiKey: own.apiKey && fake.apiKey,
    webhookSecrets: own.webhookSecrets && fake.webhookSecrets,
  };
}
