import type { INestApplication } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import { tablePath } from '../../entities/table-names.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import type { SyncEvent } from '../../model/event.js';
import { isPolled } from '../../model/mode.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { ProcessDuties } from '../../sync.role.js';
import { SyncService } from '../../sync.service.js';
import type { FakeSalesforce } from '../fake-salesforce/fake-salesforce.js';
import type { FakeStripe } from '../fake-stripe/fake-stripe.js';
import { OutsideWriteGuard } from '../outside-writes/outside-write.guard.js';
import { TestClock } from '../test-clock.js';
import { reportEvents, type EventFilter, type EventReport } from './event-report.js';
import { fakesFor, pointedAt, type Fakes } from './fakes.js';
import { BEHIND_MS, deliverFrom, listeningTo, orgsFor, pointedAtOrg, type Orgs } from './orgs.js';
import { webhookUrl } from './webhook-url.js';

/** How an application is tested. */
export interface SyncTestingOptions {
  /**
   * Fakes of the test's own, by the name of the source that each stands for: for those that several applications
   * share, or that the host's own API client talks to as well. They are not closed at the end.
   * @default a new one for each Stripe source
   */
  fakes?: Readonly<Record<string, FakeStripe>>;
  /**
   * The same for Salesforce sources: best one of your own where handlers are about objects or fields of your own, which
   * `defineObject` adds to it.
   * @default a new one for each Salesforce source
   */
  orgs?: Readonly<Record<string, FakeSalesforce>>;
  /**
   * What becomes of a handler that writes outside its transaction: `'fail'` refuses the statement, fails the handler,
   * and has `idle()` throw.
   * @default 'fail'
   */
  outsideWrites?: 'fail' | 'allow';
}

/**
 * A host's application under test, whole and as it is, with a fake in place of the provider:
 *
 *     const sync = await SyncTesting.start(testing.createNestApplication());
 *     sync.stripe.failInvoicePayment(invoiceId);
 *     await sync.idle();
 */
export class SyncTesting {
  private constructor(
    private readonly app: INestApplication,
    private readonly parts: Parts,
    /** The fakes of Stripe sources, by the name of the source that each stands for. */
    readonly fakes: Fakes,
    /** Those of Salesforce sources. */
    readonly orgs: Orgs,
    private readonly ownFakes: readonly (FakeStripe | FakeSalesforce)[],
    private readonly guard: OutsideWriteGuard,
  ) {}

  /**
   * Puts a fake in place of each Stripe and Salesforce source, whose keys and secrets need not be set then, starts the application on a
   * free port of loopback, and has the fakes deliver to it. What else the host has set up holds: handlers, policies
   * (`callsPerSecond` excepted: a fake has no limit), guards, prefix, adapter.
   *
   * @param app as `createNestApplication()` gives it, configured as in `main.ts`; best not started yet
   * @throws what keeps the application from starting, with nothing left running
   */
  static async start(app: INestApplication, options: SyncTestingOptions = {}): Promise<SyncTesting> {
    const parts = partsOf(app);
    const { sources } = parts.options;
    const given = [...Object.values(options.fakes ?? {}), ...Object.values(options.orgs ?? {})];
    let fakes: Fakes = {};
    let orgs: Orgs = {};
    const own = () =>
      [...Object.values(fakes), ...Object.values(orgs)].filter((fake) => !given.includes(fake));
    try {
      const seed = await unusedSeed(parts.database);
      fakes = await fakesFor(sources, options.fakes ?? {}, seed);
      orgs = await orgsFor(sources, options.orgs ?? {}, seed);
      for (const [name, fake] of Object.entries(fakes)) sources[name] = pointedAt(fake, sources[name]!);
      for (const [name, org] of Object.entries(orgs)) sources[name] = pointedAtOrg(org, sources[name]!);
      const guard = new OutsideWriteGuard();
      if (options.outsideWrites !== 'allow') {
        parts.database.host.subscribers.push(guard);
        parts.registry.around(guard.watch);
      }
      const { listening } = app.getHttpServer() as { listening?: boolean };
      if (!listening) await app.listen(0, '127.0.0.1');
      const sync = new SyncTesting(app, parts, fakes, orgs, own(), guard);
      await sync.connect();
      return sync;
    } catch (error) {
      await Promise.allSettled([app.close(), ...own().map((fake) => fake.close())]);
      throw error;
    }
  }

  /** The fake of the only source that has one. @throws TypeError where there are several, or none */
  get stripe(): FakeStripe {
    const names = Object.keys(this.fakes);
    if (names.length === 1) return this.fakes[names[0]!]!;
    throw new TypeError(
      `sync.stripe: the application has ${names.length} Stripe sources. Use sync.fakes, by their names: ${names.join(', ')}`,
    );
  }

  /** The fake of the only Salesforce source. @throws TypeError where there are several, or none */
  get salesforce(): FakeSalesforce {
    const names = Object.keys(this.orgs);
    if (names.length === 1) return this.orgs[names[0]!]!;
    throw new TypeError(
      `sync.salesforce: the application has ${names.length} Salesforce sources. Use sync.orgs, by their names: ${names.join(', ')}`,
    );
  }

  /**
   * Has the fake of the event's source send it, and resolves when it is acknowledged, which is before it is handled
   * (`idle()`). The same event twice is a duplicate. Its object is at the fake from then on, unless it was before.
   *
   * @param event `stripeEvent('invoice.paid', { id: 'in_1' }, { occurredAt })`
   * @throws Error if the application refuses it, with the status
   */
  async deliver(event: SyncEvent): Promise<void> {
    const fake = this.fakes[event.source];
    if (!fake)
      throw new TypeError(
        `deliver(): the source '${event.source}' has no fake to sign and send it. Sign a body yourself and give it to ` +
          `SyncService.receive('${event.source}', { body, headers })`,
      );
    fake.send(event.payload as object);
    await fake.flush();
    const attempt = fake.deliveries.last({ eventId: event.id ?? '' });
    if (attempt?.outcome === 'failed')
      throw new Error(`${event.type} was answered ${attempt.status ?? attempt.error} by POST ${attempt.url}`);
  }

  /**
   * Resolves when all webhooks are delivered and handled, orgs are polled to the end, and what came of them too. What waits for a later time, a
   * back-off say, does not count: see `advance()`.
   * @throws OutsideWriteError if a handler has written outside its transaction since this was last asked
   */
  async idle(): Promise<void> {
    for (;;) {
      await this.flush();
      const delivered = this.deliveries();
      const found = await this.pollOrgs();
      await this.parts.sync.idle();
      await this.flush();
      if (this.deliveries() === delivered && found === 0) break;
    }
    this.reportOutsideWrites();
  }

  /**
   * Lets so many milliseconds go by for module and fakes, so that what has waited is due, and resolves when it is done,
   * as `idle()`. The database's own clock and the host's timers stay.
   */
  async advance(ms: number): Promise<void> {
    for (const fake of this.all()) fake.clock.offsetMs += ms;
    await this.parts.clock.advance(ms);
    await this.idle();
  }

  /** What has become of the events, in the order in which they came. */
  events(filter: EventFilter = {}): Promise<EventReport[]> {
    return reportEvents(this.parts.database, filter);
  }

  /** Ends the application, and the fakes that were made for it. @throws OutsideWriteError that nobody has been told of */
  async close(): Promise<void> {
    for (const fake of this.all()) fake.deliverTo(null);
    await this.app.close();
    await Promise.all(this.ownFakes.map((fake) => fake.close()));
    this.reportOutsideWrites();
  }

  private async connect(): Promise<void> {
    for (const [name, fake] of Object.entries(this.fakes)) {
      fake.clock.offsetMs = this.parts.clock.offsetMs;
      fake.deliverTo(await webhookUrl(this.app, name));
    }
    for (const [name, org] of Object.entries(this.orgs)) {
      org.clock.offsetMs = this.parts.clock.offsetMs - BEHIND_MS;
      const source = this.parts.options.sources[name]!;
      deliverFrom(org, source, await webhookUrl(this.app, name));
      if (this.parts.duties.runsPasses) await listeningTo(org, source);
    }
  }

  private all(): (FakeStripe | FakeSalesforce)[] {
    return [...Object.values(this.fakes), ...Object.values(this.orgs)];
  }

  private async flush(): Promise<void> {
    await Promise.all(this.all().map((fake) => fake.flush()));
  }

  private deliveries(): number {
    return this.all().reduce((sum, fake) => sum + fake.deliveries.length, 0);
  }

  /** @returns how many events that has found */
  private async pollOrgs(): Promise<number> {
    const { sync, options } = this.parts;
    const polled = Object.keys(this.orgs).filter((source) => isPolled(options.sources[source]!.mode));
    const results = await Promise.all(polled.map((source) => sync.poll({ source })));
    return results.flat().reduce((sum, { found }) => sum + found, 0);
  }

  private reportOutsideWrites(): void {
    const [error] = this.guard.take();
    if (error) throw error;
  }
}

/** What of the module the kit has to do with. */
interface Parts {
  readonly options: ResolvedSyncOptions;
  readonly database: SyncDatabase;
  readonly registry: HandlerRegistry;
  readonly sync: SyncService;
  readonly duties: ProcessDuties;
  readonly clock: TestClock;
}

function partsOf(app: INestApplication): Parts {
  const anywhere = { strict: false };
  return {
    options: app.get(ResolvedSyncOptions, anywhere),
    database: app.get(SyncDatabase, anywhere),
    registry: app.get(HandlerRegistry, anywhere),
    sync: app.get(SyncService, anywhere),
    duties: app.get(ProcessDuties, anywhere),
    clock: new TestClock(app),
  };
}

/** In a database that has been used before, the ids of the same seed would be known: every event a duplicate. */
async function unusedSeed({ host, tables }: SyncDatabase): Promise<number> {
  const runner = host.createQueryRunner();
  try {
    if (!(await runner.hasTable(tablePath(host, 'sync_event')))) return 1;
    const [row] = (await runner.query(`SELECT max(id) AS id FROM ${tables.event}`)) as {
      id: string | null;
    }[];
    return 1 + Number(row?.id ?? 0);
  } finally {
    await runner.release();
  }
}
