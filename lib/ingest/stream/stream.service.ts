import { Inject, Injectable, Logger } from '@nestjs/common';
import type { StreamBatch } from '../../model/connector.js';
import type { SourceHealth } from '../../model/health.js';
import type { ConnectionKey } from '../../model/record.js';
import { Telemetry } from '../../observe/telemetry.js';
import { SyncClock } from '../../sync.clock.js';
import { CursorExpiredError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { CursorService, WalkLostError, type Walk } from '../poll/cursor.service.js';
import { LogIntakeService, type Beginning } from '../poll/log-intake.service.js';
import { ReconcileService } from '../runs/reconcile.service.js';
import { messageOf } from '../../model/message-of.js';

/** So many times in a row that a stream cannot be opened or breaks off, and it counts as down. */
const DOWN_AFTER = 3;

/** After a failure: twice as long each time. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** How a stream has fared so far. */
interface Streaming {
  readonly walk: Walk;
  failures: number;
  health: SourceHealth;
}

/** Takes what a provider tells by itself, over a connection that is kept open, from where it was last taken. */
@Injectable()
export class StreamService {
  private readonly logger = new Logger('Sync');

  constructor(
    private readonly cursors: CursorService,
    private readonly intake: LogIntakeService,
    private readonly reconciliations: ReconcileService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Ends when the stream breaks off, when another process has it, or when it is to end. */
  async receive(connection: ConnectionKey, ending: AbortSignal): Promise<void> {
    const walk = await this.cursors.claim('stream', connection, false);
    if (!walk) return;
    const streaming = { walk, failures: walk.failures, health: walk.health };
    const broken = new AbortController();
    const renewing = setInterval(
      () => void this.cursors.renew(walk).catch((error: unknown) => broken.abort(error)),
      this.options.leaseMs / 3,
    );
    try {
      await this.takeAll(streaming, AbortSignal.any([ending, broken.signal]));
    } catch (error) {
      const reason: unknown = broken.signal.aborted ? broken.signal.reason : error;
      if (reason instanceof WalkLostError) return;
      if (ending.aborted) await this.end(streaming, 0, null);
      else await this.failed(streaming, reason);
    } finally {
      clearInterval(renewing);
    }
  }

  private async takeAll(streaming: Streaming, signal: AbortSignal): Promise<void> {
    const beginning = this.intake.begin(streaming.walk);
    try {
      await this.take(streaming, beginning, signal);
    } catch (error) {
      if (!(error instanceof CursorExpiredError)) throw error;
      await this.intake.bridgeGap(streaming.walk, error);
      await this.take(streaming, { ...beginning, position: null, since: error.since }, signal);
    }
  }

  private async take(streaming: Streaming, beginning: Beginning, signal: AbortSignal): Promise<void> {
    const { walk } = streaming;
    const { connector } = this.options.sources[walk.source]!;
    const { position, since } = beginning;
    const options = { signal, timeoutMs: this.options.fetchTimeoutMs, now: () => this.clock.now() };
    let isOpen = false;
    for await (const batch of connector.stream!(
      { connectionId: walk.connectionId, position, since },
      options,
    )) {
      // Before the position passes it: who is killed in between would have it told again.
      if (batch.unclear.length > 0) await this.compare(walk, batch);
      await this.intake.take(walk, beginning, batch.events, batch.position);
      if (!isOpen) await this.opened(streaming);
      isOpen = true;
    }
  }

  private async opened(streaming: Streaming): Promise<void> {
    const { walk, failures } = streaming;
    await this.cursors.opened(walk);
    Object.assign(streaming, { failures: 0, health: 'healthy' });
    if (failures > 0) this.logger.log(`${nameOf(walk)} is streamed again`);
  }

  /** What the stream cannot tell is looked for. */
  private async compare(walk: Walk, { unclear: resources }: StreamBatch): Promise<void> {
    const begun = await this.reconciliations.beginOnce(walk, 0, { resources });
    const what = begun ? 'they are compared with what the provider has' : 'they cannot be listed';
    this.logger.warn(`${nameOf(walk)}: more of ${resources.join(', ')} has changed than is told; ${what}`);
  }

  /** Polled at once, and with every failure again: nothing else tells what happens meanwhile. */
  private async failed(streaming: Streaming, error: unknown): Promise<void> {
    const { walk, health } = streaming;
    const message = messageOf(error);
    const dueInMs = Math.min(FIRST_RETRY_MS * 2 ** streaming.failures, LONGEST_RETRY_MS);
    streaming.failures += 1;
    if (streaming.failures >= DOWN_AFTER) streaming.health = 'down';
    await this.end(streaming, dueInMs, message);
    await this.cursors.hurry(walk);
    this.logger.warn(`${nameOf(walk)} is not streamed for ${dueInMs} ms: ${message}`);
    if (streaming.health === health) return;
    const { source, connectionId } = walk;
    this.telemetry.alarm({
      kind: 'down',
      source,
      connectionId,
      message: `${nameOf(walk)} could not be streamed ${streaming.failures} times in a row: ${message}.`,
      eventIds: [],
    });
  }

  private end({ walk, failures, health }: Streaming, dueInMs: number, error: string | null): Promise<void> {
    return this.cursors.end(walk, { dueInMs, everyMs: 0, failures, error, health, atEnd: false });
  }
}

function nameOf({ source, connectionId }: ConnectionKey): string {
  return `${source}/${connectionId}`;
}
