import type { ApiRequestEntry, FakeSalesforce, FakeStripe, HeldRequest } from 'nestjs-hybrid-sync/testing';

/** A provider as a history sees it, and the way from it to the application. */
export interface Party {
  /** The name of its source. */
  readonly source: string;
  readonly clock: { offsetMs: number };
  readonly faults: { outage: boolean; dropRate: number; clear(): void };
  /** So many of its next answers are that too much was asked. */
  limit(calls: number): void;
  /** Holds the answer to the next listing. */
  holdListing(): HeldRequest;
  /** To which process it brings its news from now on. */
  deliverTo(hostUrl: string): void;
  /** Resolves when nothing of it is on its way. */
  flush(): Promise<void>;
}

/** Of a listing's first page of its youngest records. */
const youngestPage = ({ path, query }: ApiRequestEntry) =>
  /^\/v1\/(customers|products)$/.test(path) &&
  (query.created as { lt?: number } | undefined)?.lt === undefined;

export function stripeParty(stripe: FakeStripe): Party {
  return {
    source: 'stripe',
    clock: stripe.clock,
    faults: stripe.faults,
    limit: (calls) => (stripe.faults.rateLimit = { next: calls }),
    holdListing: () => stripe.hold(youngestPage),
    deliverTo: (hostUrl) => stripe.deliverTo(`${hostUrl}/webhooks/stripe`),
    flush: () => stripe.flush(),
  };
}

/** @param secret of the endpoint that takes its outbound messages */
export function crmParty(org: FakeSalesforce, secret: string): Party {
  return {
    source: 'crm',
    clock: org.clock,
    faults: org.faults,
    limit: (times) => org.faults.failNext({ times, status: 403, code: 'REQUEST_LIMIT_EXCEEDED' }),
    holdListing: () => org.hold(({ query }) => / ORDER BY Id /.test(query.q ?? '')),
    deliverTo(hostUrl) {
      org.deliverTo(null);
      org.deliverTo(`${hostUrl}/webhooks/crm?secret=${secret}`);
    },
    flush: () => org.flush(),
  };
}
