import type { ApiRequestEntry } from './api-request.js';
import type { CallLog, LogMatch } from '../fake-provider/call-log.js';
import { assemble } from './assembly.js';
import type { FakeStripeParts } from './assembly.js';
import { create, remove, update } from './effects.js';
import type { FakeStripeOptions } from './fake-stripe.options.js';
import type { Faults } from './faults.js';
import type { HeldRequest, HoldPoint } from '../fake-provider/gates.js';
import { failInvoicePayment, finalizeInvoice, payInvoice } from './lifecycles/invoices.js';
import { cancelSubscription, createSubscription, renewSubscription } from './lifecycles/subscriptions.js';
import type { NewSubscription, PaymentOutcome } from './lifecycles/subscriptions.js';
import { stripeSignature } from './signature.js';
import type { ChangeOptions } from './state.js';
import type { StripeEvent, StripeObject, StripeParams } from './stripe-object.js';
import type { DeliveryEntry } from './webhook-sender.js';

/** What goes with a change of several steps, which have their event types by themselves. */
export type StepOptions = Pick<ChangeOptions, 'account' | 'delivery'>;

/**
 * A Stripe of one's own: an HTTP server on loopback that the real SDK talks to, and that sends signed webhooks.
 *
 * - `new Stripe(stripe.apiKey, { ...stripe.connection, maxNetworkRetries: 0, telemetry: false })` reads and changes objects;
 *   so do the methods here, which stand for all that happens at Stripe without the application.
 * - A change is made, logged as events and readable when the call returns; webhooks follow in the background (`flush`).
 * - What a method returns is a copy: changing it changes nothing.
 * - Faults are off until set (`faults`).
 *
 * Not like Stripe: parameters are hardly checked and unknown ones of a create or update become fields; every API version has
 * the newest shapes; taxes, discounts, proration, search, v2 of the API and thin events are missing; any `acct_…` exists.
 */
export class FakeStripe {
  /** What goes wrong from here on. */
  readonly faults: Faults;
  /** Every API request, in order of arrival. */
  readonly requests: CallLog<ApiRequestEntry>;
  /** Every attempt to deliver a webhook, in order of its end. */
  readonly deliveries: CallLog<DeliveryEntry>;
  /** `offsetMs`: how far its clock runs ahead. `SyncTesting` moves it with the application's. */
  readonly clock: { offsetMs: number };
  /** For the SDK's constructor, or a connector's options. */
  readonly connection: { readonly host: string; readonly port: number; readonly protocol: 'http' };

  /** The only key that the API takes. */
  readonly apiKey: string;
  /** Change it in place to roll a secret: webhooks are signed with each. */
  readonly webhookSecrets: string[];

  private constructor(
    private readonly parts: FakeStripeParts,
    port: number,
  ) {
    this.apiKey = parts.apiKey;
    this.webhookSecrets = parts.secrets;
    this.connection = { host: '127.0.0.1', port, protocol: 'http' };
    this.faults = parts.faults;
    this.clock = parts.clock;
    this.requests = parts.server.requests;
    this.deliveries = parts.sender.log;
  }

  /** Starts the server. @throws Error if the port is taken. */
  static async start(options: FakeStripeOptions = {}): Promise<FakeStripe> {
    const parts = assemble(options);
    if (options.webhookUrl !== undefined) parts.endpoints.set(null, options.webhookUrl, null);
    return new FakeStripe(parts, await parts.server.listen(options.port ?? 0));
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://${this.connection.host}:${this.connection.port}`;
  }

  /** The newest of `webhookSecrets`. */
  get webhookSecret(): string {
    return this.webhookSecrets[0] ?? '';
  }

  /**
   * Sets where webhooks go from now on, retries under way included; `null` is nowhere, and ends them.
   *
   * With `account`, the events of that connected account go there and no longer to the main endpoint; with `secret`, signed
   * with its own.
   * @throws TypeError if it is no URL.
   */
  deliverTo(
    url: string | null,
    options: { account?: string; secret?: string | readonly string[] } = {},
  ): void {
    const secrets = options.secret === undefined ? null : [options.secret].flat();
    this.parts.endpoints.set(options.account ?? null, url, secrets);
  }

  /**
   * Creates an object (`customer`, `invoice`, `checkout.session`, any type) with plausible fields; `params` go over them, an
   * own `id` and `created` included. An invoice's `lines` are an array of partial lines.
   * @throws StripeApiError 400 if the id is taken.
   */
  create(type: string, params: StripeParams = {}, options: ChangeOptions = {}): StripeObject {
    return structuredClone(create(this.parts.state, type, params, options));
  }

  /**
   * Changes fields: hashes are merged, metadata by key, arrays replaced. Without a difference there is no event; nor where
   * Stripe has none (`payment_intent`, unless its status changes).
   * @throws StripeApiError 404 if it does not exist.
   */
  update(type: string, id: string, patch: StripeParams, options: ChangeOptions = {}): StripeObject {
    return structuredClone(update(this.parts.state, type, id, patch, options));
  }

  /**
   * Deletes an object; a subscription is cancelled. A deleted customer reads as `{ id, object, deleted: true }` afterwards,
   * everything else as 404.
   * @returns what the API's DELETE answers.
   * @throws StripeApiError 404 if it does not exist.
   */
  delete(type: string, id: string, options: ChangeOptions = {}): StripeObject {
    return structuredClone(remove(this.parts.state, type, id, options));
  }

  /**
   * Stores an object just as it is, in place of one with its id: a change without event or webhook. What an account has one
   * of (`balance`, a customer's `cash_balance`) has no `id`.
   */
  put(object: StripeParams & { object: string }, options: { account?: string } = {}): void {
    this.parts.state.put(object, options.account ?? null);
  }

  /** An object as it is now, its lists whole; `null` if it does not exist or was deleted. */
  get(type: string, id: string, options: { account?: string } = {}): StripeObject | null {
    return structuredClone(this.parts.state.objects.find(type, id, options.account ?? null));
  }

  /** All objects of a type that exist now, oldest first; `all('event')` is the log. */
  all(type: string, options: { account?: string } = {}): StripeObject[] {
    const { state } = this.parts;
    const shelf = state.objects.shelf(state.objects.table.ofType(type), options.account ?? null);
    const objects: StripeObject[] = [];
    for (let at = 0; at < shelf.length; at++) {
      const object = shelf.at(at);
      if (object) objects.push(structuredClone(object));
    }
    return objects;
  }

  /**
   * Makes an event of any type, known or not, and sends it. Changes no object.
   *
   * @param about an id, for the object as it is now; or the event's `data.object`, which need not be stored nor have an id.
   * @throws StripeApiError 404 for an id that does not exist.
   */
  emit(
    eventType: string,
    objectType: string,
    about: string | StripeParams,
    options: StepOptions & { previousAttributes?: StripeParams } = {},
  ): StripeEvent {
    const { state } = this.parts;
    const object =
      typeof about === 'string'
        ? state.objects.get(objectType, about, options.account ?? null)
        : ({ object: objectType, ...structuredClone(about) } as StripeObject);
    return structuredClone(state.emit(eventType, object, options, options.previousAttributes ?? null));
  }

  /**
   * Logs and sends an event that the test has made: `stripeEvent(...).payload`. Its object exists from then on, unless
   * it did before; the object of a `*.deleted` does not.
   */
  send(event: object): void {
    this.parts.sender.send(this.parts.state.take(structuredClone(event) as StripeEvent));
  }

  /** Sends an event of the log once more, as the dashboard's "resend". @throws StripeApiError 404 */
  resend(eventId: string, options: { account?: string } = {}): void {
    this.parts.sender.send(
      this.parts.state.objects.get('event', eventId, options.account ?? null) as StripeEvent,
      true,
    );
  }

  /** Subscribes a customer to a price; see `NewSubscription`. @throws StripeApiError 400 if one of them does not exist. */
  createSubscription(
    params: NewSubscription,
    options: StepOptions = {},
  ): { subscription: StripeObject; invoice: StripeObject | null } {
    return structuredClone(createSubscription(this.parts.state, params, options));
  }

  /** Begins a subscription's next period and invoices it. @throws StripeApiError 404 */
  renewSubscription(
    id: string,
    options: StepOptions & { payment?: PaymentOutcome } = {},
  ): { subscription: StripeObject; invoice: StripeObject } {
    const { payment = 'succeeds', ...change } = options;
    return structuredClone(renewSubscription(this.parts.state, id, payment, change));
  }

  /** Ends a subscription now (`customer.subscription.deleted`), or with its period. @throws StripeApiError 404 */
  cancelSubscription(id: string, options: StepOptions & { atPeriodEnd?: boolean } = {}): StripeObject {
    const { atPeriodEnd, ...change } = options;
    return structuredClone(cancelSubscription(this.parts.state, id, { atPeriodEnd }, change));
  }

  /** Draft to open, or to paid if there is nothing to pay. @throws StripeApiError 400 unless it is a draft. */
  finalizeInvoice(id: string, options: StepOptions = {}): StripeObject {
    return structuredClone(finalizeInvoice(this.parts.state, id, options));
  }

  /** Charges an invoice with success. @throws StripeApiError 400 unless it is a draft or open. */
  payInvoice(id: string, options: StepOptions = {}): StripeObject {
    return structuredClone(payInvoice(this.parts.state, id, options));
  }

  /** Charges an invoice in vain. @throws StripeApiError 400 unless it is a draft or open. */
  failInvoicePayment(id: string, options: StepOptions = {}): StripeObject {
    return structuredClone(failInvoicePayment(this.parts.state, id, options));
  }

  /**
   * Holds the next API request that matches until it is released: at its `arrival`, before anything is read, or with its
   * `answer` ready, so that what it has read grows old. Only requests that do work reach `answer`.
   */
  hold(match: LogMatch<ApiRequestEntry>, point: HoldPoint = 'answer'): HeldRequest<ApiRequestEntry> {
    return this.parts.server.gates.hold(match, point);
  }

  /** Resolves when no webhook is on its way: none waiting, delayed or to be tried again. */
  flush(): Promise<void> {
    return this.parts.sender.flush();
  }

  /** The `Stripe-Signature` of a body. `timestamp` in seconds. @default now, and `webhookSecrets` */
  sign(
    body: string | Buffer,
    options: { timestamp?: number; secret?: string | readonly string[] } = {},
  ): string {
    const secrets = [options.secret ?? this.webhookSecrets].flat();
    const timestamp = options.timestamp ?? Math.floor(this.parts.now().getTime() / 1000);
    return stripeSignature(Buffer.from(body), secrets, timestamp);
  }

  /** Stops at once: gives up webhooks under way, cuts connections, leaves no handle open. May be called twice. */
  async close(): Promise<void> {
    this.parts.sender.close();
    await this.parts.server.close();
  }
}
