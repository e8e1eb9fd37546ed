import type { ConnectionOptions, Queue, QueueOptions as OptionsOfBullMq } from 'bullmq';
import type { SyncQueue } from '../../sync.options.js';
import { loadPackage } from '../../sync.package.js';
import {
  queueOf,
  retryStrategy,
  type NestQueuePackage,
  type QueueAsyncOptions,
  type QueueLibrary,
  type QueueOptions,
} from '../queue/queue.module.js';
import { BullMqTransport, type BullMqPackage } from './bullmq.transport.js';

type Redis = string | ConnectionOptions;

/** What `bullmq()` takes; `redis` is a URL, or what BullMQ takes as a connection: options of `ioredis`, or a client of it. */
export type BullMqOptions = QueueOptions<Redis>;

/** The same from a factory: `bullmq({ inject: [ConfigService], useFactory: (config) => ({ redis: … }) })`. */
export type BullMqAsyncOptions = QueueAsyncOptions<Redis>;

let bullMq: BullMqPackage | undefined;

const library: QueueLibrary<Redis, Queue> = {
  call: 'bullmq()',
  async load() {
    bullMq = await loadPackage<BullMqPackage>(loadBullMq, 'bullmq()', INSTALL);
    return loadPackage<NestQueuePackage>(loadNest, 'bullmq()', INSTALL);
  },
  configured({ redis, prefix }) {
    return {
      ...(redis !== undefined && { connection: connectionOf(redis) }),
      ...(prefix !== undefined && { prefix }),
    };
  },
  isTold: (configuration) => (configuration as Partial<OptionsOfBullMq>).connection !== undefined,
  transport: (queue) => new BullMqTransport(queue, bullMq!),
};

const INSTALL = '@nestjs/bullmq bullmq ioredis';

/**
 * A queue of BullMQ 5 or 6, through `@nestjs/bullmq`: `SyncModule.forRoot({ queue: bullmq({ redis }) })`. Needs the
 * packages `@nestjs/bullmq`, `bullmq` and, for BullMQ 6, `ioredis`. All else is as with `bull()`.
 * @throws SyncConfigError at boot: `SYNC_MISSING_PACKAGE`, `SYNC_MISSING_REDIS`, `SYNC_INVALID_OPTION`. Not if Redis
 *   cannot be reached: that is logged, and processes work by themselves until it can.
 */
export function bullmq(options: BullMqOptions | BullMqAsyncOptions = {}): SyncQueue {
  return queueOf(library, options);
}

function connectionOf(redis: Redis): ConnectionOptions {
  if (typeof redis === 'string') return { url: redis, retryStrategy };
  // A client that is there already has options of its own.
  return 'duplicate' in redis ? redis : { retryStrategy, ...redis };
}

function loadBullMq(): unknown {
  return typeof require === 'function' ? require('bullmq') : import('bullmq');
}

function loadNest(): unknown {
  return typeof require === 'function' ? require('@nestjs/bullmq') : import('@nestjs/bullmq');
}
