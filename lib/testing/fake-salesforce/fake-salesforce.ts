import type { SalesforceLogin } from '../../connectors/salesforce/salesforce.options.js';
import type { CallLog, LogMatch } from '../fake-provider/call-log.js';
import type { HeldRequest, HoldPoint } from '../fake-provider/gates.js';
import { assemble, type FakeSalesforceParts } from './assembly.js';
import { notFound } from './api-error.js';
import type { FakeSalesforceOptions } from './fake-salesforce.options.js';
import type { OutboundDelivery } from './outbound-sender.js';
import type { SalesforceFaults, SalesforceRequestEntry } from './faults.js';
import type { ObjectDefinition } from './object-definition.js';
import type { Transaction } from './record-store.js';
import type { SalesforceFields } from './stored-record.js';
import type { FakeStreaming } from './streaming/fake-streaming.js';

/** A record as `FakeSalesforce` gives it: all its fields, `null` where they are empty. */
export type SalesforceRecord = Readonly<Record<string, any>> & { readonly Id: string };

/** Changes that are stamped when they are made, and that nobody sees before `commit()`: as a long transaction's. */
export interface FakeTransaction {
  /** @throws SalesforceApiError what the org refuses */
  create(object: string, fields: SalesforceFields): string;
  update(id: string, fields: SalesforceFields): void;
  delete(id: string): void;
  commit(): void;
}

/**
 * A Salesforce org of one's own: an HTTP server on loopback that the real jsforce talks to.
 *
 * - `new Connection({ instanceUrl: salesforce.url, accessToken: salesforce.accessToken })`, or one of the login flows with
 *   `loginUrl: salesforce.url`.
 * - Account, Contact, Lead, Opportunity and User are there with the fields that are used most; `defineObject` adds more.
 * - What the methods here do stands for what happens in the org without the application.
 * - Faults are off until set (`faults`).
 *
 * Not like Salesforce: one user, who may see and do everything; no sharing, triggers, record types, formulas, currencies or
 * subqueries; SOQL over one object and its parents, without aggregates other than `COUNT()` and without date literals; bulk jobs
 * are done at once, and say so when they are looked at; the API is the same in every version.
 */
export class FakeSalesforce {
  /** What goes wrong from here on. */
  readonly faults: SalesforceFaults;
  /** Every request, in order of arrival. */
  readonly requests: CallLog<SalesforceRequestEntry>;
  /** Every attempt to deliver an outbound message, in order of its end. */
  readonly deliveries: CallLog<OutboundDelivery>;
  /** `offsetMs`: how far its clock runs ahead. `SyncTesting` moves it with the application's. */
  readonly clock: { offsetMs: number };
  /** `http://127.0.0.1:<port>`, for `instanceUrl` and `loginUrl`. */
  readonly url: string;
  readonly orgId: string;
  readonly accessToken: string;
  /** What it tells those who subscribe. */
  readonly streaming: FakeStreaming;
  /** For `salesforce({ login })`: the way in that opens a new session whenever one is over. */
  readonly login: SalesforceLogin;

  private constructor(
    private readonly parts: FakeSalesforceParts,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    parts.sessions.instanceUrl = this.url;
    this.orgId = parts.options.orgId;
    this.accessToken = parts.options.accessToken;
    const { clientId, clientSecret, username, password } = parts.options;
    this.login = { flow: 'password', clientId, clientSecret, username, password, loginUrl: this.url };
    this.faults = parts.faults;
    this.streaming = parts.streaming;
    this.requests = parts.server.requests;
    this.clock = parts.clock;
    this.deliveries = parts.outbound.deliveries;
  }

  /** Starts the server. @throws Error if the port is taken. */
  static async start(options: FakeSalesforceOptions = {}): Promise<FakeSalesforce> {
    const parts = assemble(options);
    return new FakeSalesforce(parts, await parts.server.listen(options.port ?? 0));
  }

  /** Adds an object, or fields to one that is there: `defineObject('Invoice__c', { fields: { Total__c: { type: 'currency' } } })`. */
  defineObject(name: string, definition: ObjectDefinition): void {
    this.parts.store.schema.define(name, definition);
  }

  /** Creates a record. An `Id` of one's own is taken over. @throws SalesforceApiError what the org refuses */
  create(object: string, fields: SalesforceFields): SalesforceRecord {
    const { store } = this.parts;
    const { id } = store.change((transaction) => transaction.create(store.schema.object(object), fields));
    return this.get(id)!;
  }

  /** Changes fields. @throws SalesforceApiError what the org refuses; 404 for a record that is not there */
  update(id: string, fields: SalesforceFields): SalesforceRecord {
    this.parts.store.change((transaction) => transaction.update(id, fields));
    return this.get(id)!;
  }

  /** Puts a record into the recycle bin. @throws SalesforceApiError 404 */
  delete(id: string): void {
    this.parts.store.change((transaction) => transaction.remove(id));
  }

  /** Deletes a record for good: it is in no recycle bin (`hardDelete` of Bulk API). @throws SalesforceApiError 404 */
  erase(id: string): void {
    this.parts.store.erase(id);
  }

  /** Takes a record out of the recycle bin again. @throws SalesforceApiError 404 */
  undelete(id: string): SalesforceRecord {
    this.parts.store.change((transaction) => transaction.restore(id));
    return this.get(id)!;
  }

  /** Begins changes that nobody sees before they are committed. */
  transaction(): FakeTransaction {
    const { store } = this.parts;
    const transaction: Transaction = store.begin();
    return {
      create: (object, fields) => transaction.create(store.schema.object(object), fields).id,
      update: (id, fields) => void transaction.update(id, fields),
      delete: (id) => void transaction.remove(id),
      commit: () => transaction.commit(),
    };
  }

  /** A record as it is now; `null` if it does not exist or was deleted. */
  get(id: string): SalesforceRecord | null {
    const record = this.parts.store.find(id);
    if (!record || record.deleted) return null;
    const names = Object.keys(record.object.fields);
    return structuredClone(
      Object.fromEntries(names.map((name) => [name, record.fields[name] ?? null])),
    ) as SalesforceRecord;
  }

  /** All records of an object that are not deleted, oldest first. @throws SalesforceApiError for an object that is not there */
  all(object: string): SalesforceRecord[] {
    const { store } = this.parts;
    return store.all(store.schema.object(object).name).flatMap(({ id }) => this.get(id) ?? []);
  }

  /** Forgets the deleted records of an object for good, as Salesforce does after 15 days. */
  emptyRecycleBin(object: string): void {
    const { store } = this.parts;
    store.purge(store.schema.object(object).name);
  }

  /** Forgets all bulk jobs, as Salesforce does after seven days. */
  deleteJobs(): void {
    this.parts.api.deleteJobs();
  }

  /** Someone else is at this record: so many writes through the API fail with `UNABLE_TO_LOCK_ROW`. */
  lock(id: string, attempts = Infinity): void {
    if (!this.get(id)) throw notFound();
    this.parts.locks.lock(id, attempts);
  }

  unlock(id: string): void {
    this.parts.locks.unlock(id);
  }

  /** Ends all sessions: whoever has a token has to log in again. */
  expireSessions(): void {
    this.parts.sessions.expire();
    this.parts.streaming.wakeAll();
  }

  /** Believes JWTs that are signed with the private key to this one. @param publicKey PEM */
  trustKey(publicKey: string): void {
    this.parts.sessions.trustedKeys.push(publicKey);
  }

  /** The calls of the last 24 hours, and how many there may be. */
  get apiUsage(): { used: number; limit: number } {
    const { used, daily } = this.parts.limits;
    return { used, limit: daily };
  }

  /** @param used so many are used up already */
  setApiUsage({ used, limit }: { used?: number; limit?: number }): void {
    if (used !== undefined) this.parts.limits.used = used;
    if (limit !== undefined) this.parts.limits.daily = limit;
  }

  /**
   * Holds the next request that matches until it is released: at its `arrival`, before anything is read, or with its
   * `answer` ready, so that what it has read grows old.
   */
  hold(
    match: LogMatch<SalesforceRequestEntry>,
    point: HoldPoint = 'answer',
  ): HeldRequest<SalesforceRequestEntry> {
    return this.parts.server.gates.hold(match, point);
  }

  /**
   * Sends an outbound message from now on whenever a record of that object is created or changed, until it is acknowledged; changes of
   * the same moment go together, up to 100. `url` `null`: none of any object any more.
   * @param fields beside the id. @default `['LastModifiedDate']`
   */
  deliverTo(url: string | null, object = 'Account', fields: readonly string[] = ['LastModifiedDate']): void {
    const { outbound, store } = this.parts;
    if (url === null) outbound.unsubscribe();
    else outbound.subscribe(store.schema.object(object).name, url, fields);
  }

  /** Resolves when no outbound message is on its way, and all who subscribe have taken what was published. */
  async flush(): Promise<void> {
    await this.parts.outbound.flush();
    await this.parts.streaming.idle();
  }

  /** Stops at once: cuts connections, leaves no handle open. May be called twice. */
  async close(): Promise<void> {
    this.parts.outbound.close();
    this.parts.streaming.close();
    await this.parts.server.close();
  }
}
