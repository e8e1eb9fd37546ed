import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { GrowingBuffer } from './growing-buffer.js';
import { showBody } from './raw-body.js';

/**
 * Why there is no body: `too-large` beyond the limit; `too-slow` not here in time; `consumed` read before by someone
 * who kept no bytes; `gone` cut off by the sender, who hears nothing more.
 */
export type NoBody = 'too-large' | 'too-slow' | 'consumed' | 'gone';

/** What a host's framework may have kept of a body, on its own request object. */
export interface FrameworkBody {
  readonly rawBody?: unknown;
  readonly body?: unknown;
}

/** How many times the limit is read and thrown away, lest a sender that first sends it all never reads the answer. */
const TOLERATED = 8;

/**
 * What bodies may take together that are still on their way. Nothing of them is verified yet, so anybody could open
 * thousands of connections and hold back each last byte.
 */
const UNFINISHED_BYTES = 64 * 1_048_576;

/** A body on its way. */
interface Reading {
  readonly body: GrowingBuffer;
  giveUp(): void;
}

/** Reads the bodies of deliveries, each within a size and a time, and all of them within the memory there is for them. */
@Injectable()
export class BodyReader {
  /** The one that began first comes first. */
  private readonly unfinished = new Set<Reading>();
  private heldBytes = 0;

  constructor(
    @Inject(ResolvedSyncOptions)
    private readonly options: Pick<ResolvedSyncOptions, 'bodyLimitBytes' | 'bodyTimeoutMs'>,
  ) {}

  /** @param length as it is announced; NaN: it is not */
  isTooLarge(length: number): boolean {
    return length > this.options.bodyLimitBytes;
  }

  /** The body's bytes as they came: nothing is unpacked or decoded. Never rejects. */
  read(request: IncomingMessage, framework: FrameworkBody): Promise<Buffer | NoBody> {
    showBody(request);
    const kept = keptBody(framework) ?? keptBody(request as FrameworkBody);
    if (kept) return Promise.resolve(this.isTooLarge(kept.length) ? 'too-large' : kept);
    if (request.readableEnded || request.readableDidRead) return Promise.resolve('consumed');
    return request.destroyed ? Promise.resolve('gone') : this.collect(request);
  }

  private collect(request: IncomingMessage): Promise<Buffer | NoBody> {
    const { bodyLimitBytes, bodyTimeoutMs } = this.options;
    return new Promise((resolve) => {
      let size = 0;
      let done = false;
      // As most of them come: whole, and so not unfinished.
      const announced = Number(request.headers['content-length']);
      const body = new GrowingBuffer(bodyLimitBytes);
      const isTooLarge = () => size > bodyLimitBytes || this.isTooLarge(announced);
      const late = () => finish(isTooLarge() ? 'too-large' : 'too-slow');
      const reading: Reading = { body, giveUp: late };
      const timer = setTimeout(late, bodyTimeoutMs);
      const finish = (outcome: Buffer | NoBody) => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        // What still comes is read and thrown away.
        if (!request.readableEnded) request.off('data', take).resume();
        this.forget(reading);
        resolve(outcome);
      };
      const take = (chunk: Buffer) => {
        size += chunk.length;
        if (chunk.length === announced && size <= bodyLimitBytes) body.add(chunk);
        else if (size <= bodyLimitBytes) this.hold(reading, chunk);
        else this.forget(reading);
        // The answer ends the connection.
        if (size > bodyLimitBytes * TOLERATED) finish('too-large');
      };
      request.on('data', take);
      request.on('end', () => finish(size > bodyLimitBytes ? 'too-large' : body.bytes));
      request.on('error', () => finish('gone'));
      // Follows every end too, where it says nothing new.
      request.on('close', () => finish('gone'));
    });
  }

  /** Whoever is at it for the longest makes room: those who send in good faith are done in no time. */
  private hold(reading: Reading, chunk: Buffer): void {
    this.unfinished.add(reading);
    this.heldBytes += reading.body.add(chunk);
    while (this.heldBytes > UNFINISHED_BYTES) this.unfinished.values().next().value!.giveUp();
  }

  private forget(reading: Reading): void {
    if (!this.unfinished.delete(reading)) return;
    this.heldBytes -= reading.body.capacity;
    reading.body.clear();
  }
}

function keptBody({ rawBody, body }: FrameworkBody): Buffer | undefined {
  if (Buffer.isBuffer(rawBody)) return rawBody;
  return Buffer.isBuffer(body) ? body : undefined;
}
