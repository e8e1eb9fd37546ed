import {
  Module,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import {
  aFunction,
  anArray,
  anObject,
  aText,
  either,
  type OptionKind,
  type OptionKinds,
} from '../../model/option-kinds.js';
import { optionProblem, shown } from '../../model/option-problem.js';
import { SyncConfigError } from '../../sync.errors.js';
import type { SyncQueue } from '../../sync.options.js';
import { QueueTransport } from './queue-transport.js';

const DEFAULT_NAME = 'hybrid-sync';

/** How soon a lost connection is tried again: after the 20 seconds of the libraries the sweeps would have done it all. */
export const retryStrategy = (times: number) => Math.min(times * 100, 2_000);

/** What `bull()` and `bullmq()` are told of Redis. */
export interface QueueConnection<Redis> {
  /**
   * Where Redis is: a URL, or options of `ioredis`.
   * @default what the host's `BullModule.forRoot()` says
   */
  redis?: Redis;
  /** Of all keys, where applications share a Redis. @default 'bull' */
  prefix?: string;
}

/** What `bull()` and `bullmq()` take. */
export interface QueueOptions<Redis> extends QueueConnection<Redis> {
  /** The queue's name. Processes share the work that have the same, at the same Redis. @default 'hybrid-sync' */
  name?: string;
  /** Which of the host's configurations it takes: the first argument of its `BullModule.forRoot()`. @default the default one */
  configKey?: string;
}

/** The same, with a connection that needs other providers. */
export interface QueueAsyncOptions<Redis>
  extends Pick<QueueOptions<Redis>, 'name' | 'configKey'>, Pick<ModuleMetadata, 'imports'> {
  inject?: InjectionToken[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  useFactory: (...dependencies: any[]) => QueueConnection<Redis> | Promise<QueueConnection<Redis>>;
}

/** A library of queues, and Nest's module for it. */
export interface QueueLibrary<Redis, Queue> {
  /** What the host writes: `bull()`. */
  readonly call: string;
  load(): Promise<NestQueuePackage>;
  /** As the library's queue is configured. */
  configured(connection: QueueConnection<Redis>): object;
  /** Whether that says where Redis is. */
  isTold(configuration: object): boolean;
  transport(queue: Queue): QueueTransport;
}

/** What `@nestjs/bull` and `@nestjs/bullmq` have in common. */
export interface NestQueuePackage {
  readonly BullModule: {
    registerQueueAsync(options: {
      name: string;
      configKey?: string;
      imports?: ModuleMetadata['imports'];
      inject: (InjectionToken | { token: InjectionToken; optional: boolean })[];
      useFactory: (...dependencies: never[]) => Promise<object>;
    }): DynamicModule;
  };
  getQueueToken(name: string): string;
  getSharedConfigToken(configKey?: string): string;
}

@Module({})
class SyncQueueModule {}

/** A queue of that library, registered in the way of its Nest module, so that the host's tools find it there. */
export function queueOf<Redis, Queue>(
  library: QueueLibrary<Redis, Queue>,
  options: QueueOptions<Redis> | QueueAsyncOptions<Redis>,
): SyncQueue {
  return { module: () => moduleFor(library, options) };
}

async function moduleFor<Redis, Queue>(
  library: QueueLibrary<Redis, Queue>,
  options: QueueOptions<Redis> | QueueAsyncOptions<Redis>,
): Promise<DynamicModule> {
  check(library.call, options, OPTION_KINDS);
  const { BullModule, getQueueToken, getSharedConfigToken } = await library.load();
  const { name = DEFAULT_NAME, configKey } = options;
  const { imports = [], inject = [], useFactory } = 'useFactory' in options ? options : factoryOf(options);
  const registered = BullModule.registerQueueAsync({
    name,
    configKey,
    imports,
    inject: [{ token: getSharedConfigToken(configKey), optional: true }, ...inject],
    // Before there is a queue: one that is told nothing would look for Redis on this machine.
    useFactory: async (ofHost: object | undefined, ...dependencies: never[]) => {
      const connection = await useFactory(...dependencies);
      check(library.call, connection, CONNECTION_KINDS);
      const configuration = library.configured(connection);
      if (!library.isTold({ ...ofHost, ...configuration })) throw notTold(library.call, configKey);
      return configuration;
    },
  });
  return {
    module: SyncQueueModule,
    imports: [registered],
    providers: [
      {
        provide: QueueTransport,
        useFactory: (queue: Queue & OnApplicationShutdown) => {
          const transport = library.transport(queue);
          // Nest's module would wait for a Redis that hangs, and with it the application's end.
          // What it could not close it has cut, and nobody will ask it for anything more.
          queue.onApplicationShutdown = () => transport.stop().catch(() => undefined);
          return transport;
        },
        inject: [getQueueToken(name)],
      },
    ],
    exports: [QueueTransport],
  };
}

function factoryOf<Redis>({ redis, prefix }: QueueOptions<Redis>): QueueAsyncOptions<Redis> {
  return { useFactory: () => ({ redis, prefix }) };
}

/** What ioredis would make something else of, or end the process by: another protocol, a database that is no number. */
const aRedisUrl: OptionKind = {
  takes: "a URL like 'redis://127.0.0.1:6379/0' or 'rediss://…', the path of a socket",
  fits: (value) => typeof value === 'string' && /^(rediss?:\/\/[^/?#\s]+(\/\d*)?(\?.*)?|\/.+)$/.test(value),
};

/** Both libraries put it between colons. */
const aQueueName: OptionKind = {
  takes: "a text of 1 to 255 characters without ':'",
  fits: (value) => aText(255).fits(value) && !(value as string).includes(':'),
};

const CONNECTION_KINDS = {
  redis: either(aRedisUrl, anObject),
  prefix: aText(255),
} satisfies OptionKinds<QueueConnection<unknown>>;

const OPTION_KINDS = {
  ...CONNECTION_KINDS,
  name: aQueueName,
  configKey: aText(255),
  imports: anArray,
  inject: anArray,
  useFactory: aFunction,
} satisfies OptionKinds<QueueOptions<unknown> & QueueAsyncOptions<unknown>>;

function check(call: string, options: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  const problem = optionProblem(options, kinds);
  if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', `${call}: ${problem}`);
}

function notTold(call: string, configKey: string | undefined): SyncConfigError {
  const key = configKey === undefined ? '' : `${shown(configKey)}, `;
  return new SyncConfigError(
    'SYNC_MISSING_REDIS',
    `${call} is not told where Redis is. Give it { redis: process.env.REDIS_URL }, or import BullModule.forRoot(${key}` +
      `{ ... }) of @nestjs/${call.replace('()', '')} in your root module.`,
  );
}
