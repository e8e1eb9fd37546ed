import { setTimeout as wait } from 'node:timers/promises';
import type { ApiAnswer } from '../../fake-provider/api-request.js';
import type { SalesforceRequest } from '../api-request.js';
import { ALL_KEPT, NEW_ONLY, type EventBus } from './event-bus.js';

/** So long an answer is waited for (docs: 110 s). */
const LONGEST_WAIT_MS = 110_000;

/** Who does not come back within this time has gone (docs: 40 s). */
const LONGEST_ABSENCE_MS = 3_000;

/** By one answer. */
const MOST_MESSAGES = 200;

interface Message {
  readonly id?: string;
  readonly channel: string;
  readonly clientId?: string;
  readonly subscription?: string;
  readonly ext?: { readonly replay?: Readonly<Record<string, number>> };
}

/** Someone who subscribes: how far they were told, by channel. */
interface Client {
  readonly places: Map<string, number>;
  hasConnected: boolean;
  /** Ends the wait of the request that is under way. */
  wake: (() => void) | null;
}

/** The streaming API: Bayeux by long polling, with Salesforce's replay ids (docs: "Streaming API Developer Guide"). */
export class Cometd {
  private readonly clients = new Map<string, Client>();
  private readonly settled: (() => void)[] = [];
  private numbers = 0;
  private closed = false;

  constructor(
    private readonly bus: EventBus,
    private readonly isAuthorized: (request: SalesforceRequest) => boolean,
    private readonly hasChannel: (channel: string) => boolean,
  ) {
    bus.onPublish(() => this.wakeAll());
  }

  /** How many clients are subscribed to a channel, as far as is known: those who went without a word count too. */
  subscribers(channel: string): number {
    return [...this.clients.values()].filter(({ places }) => places.has(channel)).length;
  }

  /** Resolves as soon as someone is subscribed, and waits for something to happen. */
  async subscribed(): Promise<void> {
    while (![...this.clients.values()].some(({ places, wake }) => places.size > 0 && wake !== null))
      await new Promise<void>((resolve) => this.settled.push(resolve));
  }

  /** Everybody has to introduce themselves again. */
  forgetClients(): void {
    this.clients.forEach(({ wake }) => wake?.());
    this.clients.clear();
  }

  wakeAll(): void {
    this.clients.forEach(({ wake }) => wake?.());
  }

  /** Resolves when all who are subscribed have been told everything and wait for more; who does not come back is forgotten. */
  async idle(): Promise<void> {
    while (!this.isIdle) {
      const waits = new Promise<boolean>((resolve) => this.settled.push(() => resolve(true)));
      const late = wait(LONGEST_ABSENCE_MS, false, { ref: false });
      if (await Promise.race([waits, late])) continue;
      for (const [id, client] of this.clients) if (!this.isSettled(client)) this.clients.delete(id);
    }
  }

  close(): void {
    this.closed = true;
    this.forgetClients();
  }

  async answer(request: SalesforceRequest): Promise<ApiAnswer> {
    const { body } = request.entry;
    const messages = (Array.isArray(body) ? body : [body]) as Message[];
    const replies: object[] = [];
    for (const message of messages) replies.push(...(await this.replies(request, message)));
    return { status: 200, body: replies };
  }

  private get isIdle(): boolean {
    return [...this.clients.values()].every((client) => this.isSettled(client));
  }

  private isSettled(client: Client): boolean {
    return client.places.size === 0 || (client.wake !== null && this.waitingFor(client).length === 0);
  }

  private async replies(request: SalesforceRequest, message: Message): Promise<object[]> {
    const { channel, id, clientId = '' } = message;
    if (channel === '/meta/handshake') return [{ channel, id, ...this.handshake(request) }];
    if (!this.isAuthorized(request))
      return [{ channel, id, successful: false, error: '401::Authentication invalid', advice: NONE }];
    const client = this.clients.get(clientId);
    if (!client) return [{ channel, id, successful: false, error: UNKNOWN, advice: HANDSHAKE }];
    switch (channel) {
      case '/meta/subscribe':
        return [{ channel, id, clientId, ...this.subscribe(client, message) }];
      case '/meta/unsubscribe':
        client.places.delete(message.subscription ?? '');
        return [{ channel, id, clientId, subscription: message.subscription, successful: true }];
      case '/meta/disconnect':
        this.clients.delete(clientId);
        client.wake?.();
        return [{ channel, id, clientId, successful: true }];
      case '/meta/connect':
        return this.connect(request, client, message);
      default:
        return [{ channel, id, successful: false, error: '405::Unsupported channel' }];
    }
  }

  private handshake(request: SalesforceRequest): object {
    const ext = { replay: true, 'payload.format': true };
    if (!this.isAuthorized(request)) {
      const sfdc = { failureReason: '401::Authentication invalid' };
      return { successful: false, error: '403::Handshake denied', ext: { ...ext, sfdc }, advice: NONE };
    }
    const clientId = `client${(this.numbers += 1)}`;
    this.clients.set(clientId, { places: new Map(), hasConnected: false, wake: null });
    const supportedConnectionTypes = ['long-polling'];
    return {
      successful: true,
      version: '1.0',
      minimumVersion: '1.0',
      clientId,
      supportedConnectionTypes,
      ext,
    };
  }

  private subscribe(client: Client, { subscription = '', ext }: Message): object {
    if (!this.hasChannel(subscription))
      return {
        subscription,
        successful: false,
        error: `400::The channel you requested to subscribe to does not exist {${subscription}}`,
      };
    const replayId = ext?.replay?.[subscription] ?? NEW_ONLY;
    if (!this.bus.reaches(replayId))
      return {
        subscription,
        successful: false,
        error: `400::The replayId {${replayId}} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.`,
      };
    const from = { [NEW_ONLY]: this.bus.position, [ALL_KEPT]: 0 }[replayId] ?? replayId;
    client.places.set(subscription, from);
    return { subscription, successful: true };
  }

  private async connect(
    request: SalesforceRequest,
    client: Client,
    { id, clientId }: Message,
  ): Promise<object[]> {
    const channel = '/meta/connect';
    // The first one is answered at once.
    if (client.hasConnected && this.waitingFor(client).length === 0) await this.somethingFor(client);
    client.hasConnected = true;
    if (!this.isAuthorized(request))
      return [{ channel, id, successful: false, error: '401::Authentication invalid', advice: NONE }];
    if (!this.clients.has(clientId ?? ''))
      return [{ channel, id, successful: false, error: UNKNOWN, advice: HANDSHAKE }];
    const told = this.waitingFor(client).slice(0, MOST_MESSAGES);
    for (const { channel: about, data } of told) client.places.set(about, data.event.replayId);
    return [...told, { channel, id, clientId, successful: true, advice: RETRY }];
  }

  private waitingFor({ places }: Client) {
    return [...places].flatMap(([channel, place]) =>
      this.bus.after(channel, place, MOST_MESSAGES).map(({ data }) => {
        return { channel, data: data as { event: { replayId: number } } };
      }),
    );
  }

  private async somethingFor(client: Client): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LONGEST_WAIT_MS);
      timer.unref();
      client.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.settled.splice(0).forEach((settled) => settled());
    });
    client.wake = null;
  }
}

const UNKNOWN = '403::Unknown client';
const NONE = { reconnect: 'none', interval: 0 };
const HANDSHAKE = { reconnect: 'handshake', interval: 500 };
const RETRY = { reconnect: 'retry', interval: 0, timeout: LONGEST_WAIT_MS };
