import type { StreamOptions } from '../../model/connector.js';
import { ProviderError } from '../../sync.errors.js';

/** As much of a jsforce connection as is needed. */
export interface StreamAccess {
  readonly instanceUrl: string;
  readonly accessToken?: string | null;
  readonly version: string;
}

/** A message of the service's own, or one that was published. */
interface BayeuxMessage {
  readonly channel: string;
  readonly successful?: boolean;
  readonly clientId?: string;
  readonly error?: string;
  readonly ext?: { readonly sfdc?: { readonly failureReason?: string } };
  readonly data?: unknown;
}

interface Question {
  readonly channel: string;
  readonly [field: string]: unknown;
}

export interface PublishedMessage {
  readonly channel: string;
  readonly data: unknown;
}

/** The service answers after 110 seconds at the latest (docs: "Streaming API Developer Guide", client time-outs). */
const LONGEST_ANSWER_MS = 125_000;

/** What the service has said no to, in its words: `400::The replayId {5} you provided was invalid. ...` */
export class StreamRefusedError extends Error {
  /** As errors of the rest of the API have it. */
  readonly errorCode: string;

  constructor(message: string) {
    super(message);
    this.errorCode = message.startsWith('401::') ? 'INVALID_SESSION_ID' : message.replace(/\{.*?\}/g, '');
  }
}

/**
 * A client of the streaming API, by long polling (docs.cometd.org, "The Bayeux protocol"). What has happened is given out by the
 * answer to a question, and the next question says that it was taken: whoever asks only when all is stored loses nothing, and
 * is given no more than he can store. jsforce's client (faye) asks on by itself, tries for ever what has failed, without
 * a word to the application, and cannot be stopped while it does.
 */
export class CometdConnection {
  private readonly url: string;
  private readonly cookies = new Map<string, string>();
  private clientId = '';
  private messages = 0;
  private early: PublishedMessage[] = [];

  constructor(
    private readonly access: StreamAccess,
    private readonly options: StreamOptions,
  ) {
    this.url = `${access.instanceUrl}/cometd/${access.version}`;
  }

  /** @throws StreamRefusedError, ProviderError */
  async open(): Promise<void> {
    const { clientId = '' } = await this.ask(
      { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] },
      this.options.timeoutMs,
    );
    this.clientId = clientId;
  }

  /** @param replayId behind which to begin; -2: with all that is kept. @throws StreamRefusedError, ProviderError */
  async subscribe(channel: string, replayId: number): Promise<void> {
    await this.ask(
      { channel: '/meta/subscribe', subscription: channel, ext: { replay: { [channel]: replayId } } },
      this.options.timeoutMs,
    );
  }

  /** Waits until something has happened, or for two minutes. @throws StreamRefusedError, ProviderError */
  async next(): Promise<PublishedMessage[]> {
    await this.ask({ channel: '/meta/connect', connectionType: 'long-polling' }, LONGEST_ANSWER_MS);
    return this.early.splice(0);
  }

  /** Tells the service not to wait for anything more. Never throws: it finds out by itself. */
  async close(): Promise<void> {
    if (this.clientId === '') return;
    const signal = AbortSignal.timeout(CLOSE_MS);
    await this.post({ channel: '/meta/disconnect' }, signal).catch(() => undefined);
  }

  private async ask(message: Question, timeoutMs: number): Promise<BayeuxMessage> {
    const answer = await this.post(
      message,
      AbortSignal.any([this.options.signal, AbortSignal.timeout(timeoutMs)]),
    );
    for (const { channel, data } of answer) if (data !== undefined) this.early.push({ channel, data });
    const reply = answer.find(({ channel, data }) => channel === message.channel && data === undefined);
    if (reply?.successful) return reply;
    throw new StreamRefusedError(
      reply?.ext?.sfdc?.failureReason ?? reply?.error ?? 'no answer to the question',
    );
  }

  private async post(message: object, signal: AbortSignal): Promise<BayeuxMessage[]> {
    const { accessToken } = this.access;
    this.messages += 1;
    const clientId = this.clientId === '' ? {} : { clientId: this.clientId };
    const body = JSON.stringify([{ ...message, ...clientId, id: String(this.messages) }]);
    const headers = {
      authorization: `OAuth ${accessToken}`,
      'content-type': 'application/json',
      cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    };
    const response = await fetch(this.url, { method: 'POST', headers, body, signal }).catch(
      (error: unknown) => {
        this.options.signal.throwIfAborted();
        throw unavailable(nameOf(error));
      },
    );
    this.keepCookies(response.headers.getSetCookie());
    const text = await response.text().catch((error: unknown) => {
      throw unavailable(nameOf(error));
    });
    if (response.status === 401) throw new StreamRefusedError('401::Authentication invalid');
    if (!response.ok) throw unavailable(`HTTP ${response.status}`);
    return messagesIn(text);
  }

  /** One of the service's many servers knows this client. */
  private keepCookies(given: readonly string[]): void {
    for (const cookie of given) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined) this.cookies.set(name, value!);
    }
  }
}

const CLOSE_MS = 2_000;

function messagesIn(text: string): BayeuxMessage[] {
  try {
    const messages: unknown = JSON.parse(text);
    if (Array.isArray(messages)) return messages as BayeuxMessage[];
  } catch {
    // Told below: a gateway's page, say.
  }
  throw unavailable('an answer that is none of the streaming API');
}

function unavailable(what: string): ProviderError {
  return new ProviderError('unavailable', `Salesforce: ${what} (stream)`);
}

/** Of a failure to fetch, what the network says. */
function nameOf(error: unknown): string {
  const { name, cause } = error as { name: string; cause?: { code?: string } };
  return cause?.code ?? name;
}
