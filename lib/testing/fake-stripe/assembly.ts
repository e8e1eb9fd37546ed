import { Api } from './api.js';
import { FakeServer } from '../fake-provider/fake-server.js';
import { ApiExchange } from './api-exchange.js';
import type { ApiRequest, ApiRequestEntry } from './api-request.js';
import { Endpoints } from './endpoints.js';
import type { FakeStripeOptions } from './fake-stripe.options.js';
import { Faults } from './faults.js';
import { Random } from '../fake-provider/random.js';
import { StripeState } from './state.js';
import { WebhookSender } from './webhook-sender.js';

const DAY = 86_400;

/** What a FakeStripe consists of. */
export interface FakeStripeParts {
  readonly apiKey: string;
  readonly secrets: string[];
  readonly now: () => Date;
  readonly clock: { offsetMs: number };
  readonly faults: Faults;
  readonly endpoints: Endpoints;
  readonly state: StripeState;
  readonly sender: WebhookSender;
  readonly server: FakeServer<ApiRequestEntry, ApiRequest>;
}

/** Puts the parts together; nothing runs yet. The defaults of the options stand here. */
export function assemble(options: FakeStripeOptions): FakeStripeParts {
  const { apiKey = 'sk_test_fake', seed = 1 } = options;
  const clock = { offsetMs: 0 };
  const now = () => new Date((options.now?.() ?? new Date()).getTime() + clock.offsetMs);
  const secrets = [options.webhookSecret ?? 'whsec_fake'].flat();
  const random = new Random(seed);
  const faults = new Faults();
  const endpoints = new Endpoints(secrets);
  const sender: WebhookSender = new WebhookSender({
    now,
    random,
    faults,
    endpoints,
    retryDelaysMs: options.retryDelaysMs ?? [50, 200, 1000],
    concurrency: options.webhookConcurrency ?? 32,
    timeoutMs: options.webhookTimeoutMs ?? 20_000,
    acknowledged: (event) => state.acknowledge(event),
  });
  const state: StripeState = new StripeState(now, random, {
    listens: (account) => endpoints.of(account) !== null,
    send: (event) => sender.send(event),
  });
  const api = new Api(state, faults, now, (options.eventRetentionDays ?? 30) * DAY);
  const exchange = new ApiExchange({
    apiKey,
    now,
    // Not the state's: the ids of objects must not depend on how many requests were made.
    random: new Random(~seed),
    faults,
    run: (request) => api.run(request),
  });
  const server = new FakeServer<ApiRequestEntry, ApiRequest>(exchange);
  return { apiKey, secrets, now, clock, faults, endpoints, state, sender, server };
}
