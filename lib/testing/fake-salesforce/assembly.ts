import { longIdOf } from '../../connectors/salesforce/salesforce.record-id.js';
import { FakeServer } from '../fake-provider/fake-server.js';
import { Random } from '../fake-provider/random.js';
import { ApiExchange } from './api-exchange.js';
import { ApiLimits } from './api-limits.js';
import type { SalesforceRequest } from './api-request.js';
import { Api } from './api.js';
import type { FakeSalesforceOptions, ResolvedFakeSalesforceOptions } from './fake-salesforce.options.js';
import { SalesforceFaults, type SalesforceRequestEntry } from './faults.js';
import { OutboundSender } from './outbound-sender.js';
import { RecordStore } from './record-store.js';
import { RowLocks } from './row-locks.js';
import { Schema } from './schema.js';
import { Sessions } from './sessions.js';
import { changeChannelOf, ALL_CHANGES, ChangeEvents } from './streaming/change-events.js';
import { Cometd } from './streaming/cometd.js';
import { EventBus } from './streaming/event-bus.js';
import { FakeStreaming } from './streaming/fake-streaming.js';
import { eventChannelOf } from './streaming/platform-events.js';

/** What a FakeSalesforce consists of. */
export interface FakeSalesforceParts {
  readonly api: Api;
  readonly options: ResolvedFakeSalesforceOptions;
  readonly clock: { offsetMs: number };
  readonly faults: SalesforceFaults;
  readonly limits: ApiLimits;
  readonly locks: RowLocks;
  readonly sessions: Sessions;
  readonly store: RecordStore;
  readonly outbound: OutboundSender;
  readonly streaming: FakeStreaming;
  readonly server: FakeServer<SalesforceRequestEntry, SalesforceRequest>;
}

/** Puts the parts together; nothing runs yet. The defaults of the options stand here. */
export function assemble(options: FakeSalesforceOptions): FakeSalesforceParts {
  const seed = options.seed ?? 1;
  const random = new Random(seed);
  const resolved: ResolvedFakeSalesforceOptions = {
    seed,
    orgId: longIdOf(options.orgId ?? '00DFk000000fake')!,
    accessToken: options.accessToken ?? `00DFk000000fake!${random.text(40)}`,
    username: options.username ?? 'integration@example.com',
    password: options.password ?? 'password',
    clientId: options.clientId ?? 'client_fake',
    clientSecret: options.clientSecret ?? 'secret_fake',
    refreshToken: options.refreshToken ?? 'refresh_fake',
    dailyLimit: options.dailyLimit ?? 100_000,
    userId: longIdOf('005Fk0000000001')!,
  };
  const clock = { offsetMs: 0 };
  const now = () => new Date((options.now?.() ?? new Date()).getTime() + clock.offsetMs);
  const faults = new SalesforceFaults();
  const limits = new ApiLimits(resolved.dailyLimit);
  const locks = new RowLocks();
  const sessions = new Sessions(resolved, random, now);
  const store = new RecordStore(new Schema(), now, random, resolved.userId);
  store.change((transaction) =>
    transaction.create(store.schema.object('User'), {
      Id: resolved.userId,
      Name: 'Integration',
      Username: resolved.username,
      IsActive: true,
    }),
  );
  const bus = new EventBus(now);
  const changeEvents = new ChangeEvents(bus, resolved.userId);
  store.onCommit((changes, commit) => changeEvents.publish(changes, commit));
  const cometd = new Cometd(
    bus,
    ({ headers }) => !faults.unauthorized && sessions.isValid(headers.authorization),
    (channel) => channel === ALL_CHANGES || store.schema.all().some(({ name }) => isChannelOf(name, channel)),
  );
  const api = new Api({ store, sessions, faults, limits, locks, bus });
  // Not the store's: ids must not depend on how many requests were made.
  const exchange = new ApiExchange({ api, cometd, faults, limits, random: new Random(~seed), now });
  const server = new FakeServer<SalesforceRequestEntry, SalesforceRequest>(exchange);
  const outbound = new OutboundSender(
    store,
    faults,
    new Random(~seed),
    resolved.orgId,
    () => sessions.instanceUrl,
  );
  return {
    api,
    streaming: new FakeStreaming(store, bus, changeEvents, cometd),
    outbound,
    options: resolved,
    clock,
    faults,
    limits,
    locks,
    sessions,
    store,
    server,
  };
}

function isChannelOf(object: string, channel: string): boolean {
  return channel === (object.endsWith('__e') ? eventChannelOf(object) : changeChannelOf(object));
}
