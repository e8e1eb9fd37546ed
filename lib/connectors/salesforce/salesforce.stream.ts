import type { StreamBatch, StreamOptions, StreamRequest } from '../../model/connector.js';
import { CursorExpiredError, ProviderError } from '../../sync.errors.js';
import type { SalesforceClient } from './salesforce.client.js';
import { StreamRefusedError, type CometdConnection } from './salesforce.cometd.js';
import { failureOf } from './salesforce.failure.js';
import { changeChannelOf, eventChannelOf, toldBy, type Subscriptions } from './salesforce.streamed.js';

/** What was published is kept for 72 hours (docs: "Message Durability"), less some time to find it. */
const KEPT_MS = 72 * 3_600_000 - 600_000;

/** An org's clock may differ: what happened so shortly before is for the inbox to judge. */
const LENIENT_MS = 60_000;

/** Begin with all that is kept. */
const ALL_KEPT = -2;

/** How far a channel was read. */
interface Place {
  readonly replayId: number;
  /** When what stands there happened, in milliseconds. */
  readonly at: number;
}

interface Position {
  readonly channels: Readonly<Record<string, Place>>;
  /** What was published before is known. In milliseconds. */
  readonly readAt: number;
}

/** What an org publishes, as it does: `Connector.stream`. */
export async function* readStream(
  client: SalesforceClient,
  { changes, events }: Subscriptions,
  request: StreamRequest,
  options: StreamOptions,
): AsyncGenerator<StreamBatch> {
  const channels = [...changes.map(changeChannelOf), ...events.map(eventChannelOf)];
  const listener = { connectionId: request.connectionId, clientName: client.clientName };
  const sinceMs = request.since.getTime() - LENIENT_MS;
  let position = positionOf(request, options.now());
  const stream = await client.openStream(options);
  try {
    for (const channel of channels) await subscribe(stream, channel, position, options.now());
    yield { events: [], position: JSON.stringify(position), unclear: [] };
    for (;;) {
      const readAt = options.now();
      const told = (await stream.next()).map(
        (message) => [message.channel, toldBy(message, listener)] as const,
      );
      const moved = told.map(([channel, { replayId, occurredAt }]) => {
        return [channel, { replayId, at: occurredAt?.getTime() ?? readAt }] as const;
      });
      position = { channels: { ...position.channels, ...Object.fromEntries(moved) }, readAt };
      yield {
        events: told
          .flatMap(([, one]) => one.events)
          .filter(({ occurredAt }) => occurredAt === null || occurredAt.getTime() >= sinceMs),
        position: JSON.stringify(position),
        unclear: [...new Set(told.flatMap(([, { unclear }]) => unclear))],
      };
    }
  } catch (error) {
    throw error instanceof StreamRefusedError ? refusalOf(error) : error;
  } finally {
    await stream.close();
  }
}

/** @throws CursorExpiredError */
function positionOf({ position: text, since }: StreamRequest, now: number): Position {
  if (text === null) return { channels: {}, readAt: since.getTime() };
  const position = JSON.parse(text) as Position;
  if (now - position.readAt < KEPT_MS) return position;
  throw forgotten(`and was last read on ${new Date(position.readAt).toISOString()}`, now);
}

/** From where the channel was read; one that was not from the oldest that is kept. @throws StreamRefusedError, CursorExpiredError */
async function subscribe(
  stream: CometdConnection,
  channel: string,
  { channels }: Position,
  now: number,
): Promise<void> {
  const place = channels[channel];
  try {
    await stream.subscribe(channel, place?.replayId ?? ALL_KEPT);
  } catch (error) {
    if (!place || !(error instanceof StreamRefusedError) || !/replayId/.test(error.message)) throw error;
    if (now - place.at < KEPT_MS)
      throw forgotten(`but not ${channel} since ${new Date(place.at).toISOString()}`, now);
    // The last that happened there is so long ago that it is kept no longer: nothing is missing.
    await stream.subscribe(channel, ALL_KEPT);
  }
}

function forgotten(what: string, now: number): CursorExpiredError {
  return new CursorExpiredError(
    `Salesforce keeps what it publishes for 72 hours, ${what}`,
    new Date(now - KEPT_MS),
  );
}

function refusalOf(error: StreamRefusedError): ProviderError {
  if (/Unknown client/.test(error.message))
    return new ProviderError('unavailable', 'Salesforce: this subscriber was away for too long (stream)');
  return failureOf(error, 'stream');
}
