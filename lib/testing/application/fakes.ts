import { StripeConnector } from '../../connectors/stripe/stripe.connector.js';
import type { StripeConnectionOptions } from '../../connectors/stripe/stripe.options.js';
import type { ResolvedSource } from '../../sync.source.options.js';
import { FakeStripe } from '../fake-stripe/fake-stripe.js';
import { CALLS_PER_SECOND, standIns } from './stand-ins.js';

type Sources = Readonly<Record<string, ResolvedSource>>;
export type Fakes = Readonly<Record<string, FakeStripe>>;

/** A fake for each Stripe source. @throws TypeError for a name that is none */
export function fakesFor(sources: Sources, given: Fakes, firstSeed: number): Promise<Fakes> {
  const start = (seed: number) => FakeStripe.start({ seed });
  const kind = { provider: 'Stripe', connector: StripeConnector, option: 'fakes', start };
  return standIns(kind, sources, given, firstSeed);
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
