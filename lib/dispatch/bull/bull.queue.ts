import type Bull from 'bull';
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
import { BullTransport } from './bull.transport.js';

type Redis = NonNullable<Bull.QueueOptions['redis']>;

/** What `bull()` takes; `redis` as Bull takes it: a URL, or options of `ioredis`. */
export type BullOptions = QueueOptions<Redis>;

/** The same from a factory: `bull({ inject: [ConfigService], useFactory: (config) => ({ redis: … }) })`. */
export type BullAsyncOptions = QueueAsyncOptions<Redis>;

const library: QueueLibrary<Redis, Bull.Queue> = {
  call: 'bull()',
  load: () => loadPackage<NestQueuePackage>(defaultLoad, 'bull()', '@nestjs/bull bull'),
  configured({ redis, prefix }) {
    const url = typeof redis === 'string' ? redis : undefined;
    return {
      ...(redis !== undefined && { url, redis: { retryStrategy, ...(typeof redis === 'object' && redis) } }),
      ...(prefix !== undefined && { prefix }),
    };
  },
  isTold: (configuration) => {
    const { redis, url, createClient } = configuration as Partial<Bull.QueueOptions> & { url?: string };
    return redis !== undefined || url !== undefined || createClient !== undefined;
  },
  transport: (queue) => new BullTransport(queue),
};

/**
 * A queue of Bull 4, through `@nestjs/bull`: `SyncModule.forRoot({ queue: bull({ redis: process.env.REDIS_URL }) })`.
 * Needs the packages `@nestjs/bull` and `bull`. The queue carries records' keys; retries and back-offs stay in the
 * database, so jobs are kept neither when they end nor when they fail. Redis may be flushed or away at any time: what it
 * has lost is found by the sweeps (`sweepEveryMs`).
 * @throws SyncConfigError at boot: `SYNC_MISSING_PACKAGE`, `SYNC_MISSING_REDIS`, `SYNC_INVALID_OPTION`. Not if Redis
 *   cannot be reached: that is logged, and processes work by themselves until it can.
 */
export function bull(options: BullOptions | BullAsyncOptions = {}): SyncQueue {
  return queueOf(library, options);
}

/** Both packages: Nest's alone loads, and fails later. */
async function defaultLoad(): Promise<unknown> {
  if (typeof require === 'function') {
    require('bull');
    return require('@nestjs/bull') as unknown;
  }
  await import('bull');
  return import('@nestjs/bull');
}
