import type { Provider } from '@nestjs/common';
import { Dispatcher } from './dispatch/dispatcher.js';
import { InProcessDispatcher } from './dispatch/in-process.dispatcher.js';
import { QueueDispatcher } from './dispatch/queue/queue.dispatcher.js';
import { QueueTransport } from './dispatch/queue/queue-transport.js';
import { RemoteDispatcher } from './dispatch/remote.dispatcher.js';
import type { BudgetStore } from './hydrate/budget-store.js';
import { BudgetStores } from './hydrate/budget-stores.js';
import { MemoryBudgetStore } from './hydrate/memory.budget-store.js';
import { RedisBudgetStore } from './hydrate/redis.budget-store.js';
import { isQueue } from './sync.options.check.js';
import type { SyncQueue } from './sync.options.js';
import type { ProcessDuties } from './sync.role.js';

/** In process; with a queue, that carries what is due to one of the processes, and the budget is theirs together. */
export function dispatchProviders({ runsPasses }: ProcessDuties, queue: SyncQueue | undefined): Provider[] {
  const Local = runsPasses ? InProcessDispatcher : RemoteDispatcher;
  if (!isQueue(queue))
    return [
      MemoryBudgetStore,
      { provide: Dispatcher, useClass: Local },
      {
        provide: BudgetStores,
        useFactory: (own: BudgetStore) => new BudgetStores(own),
        inject: [MemoryBudgetStore],
      },
    ];
  return [
    MemoryBudgetStore,
    Local,
    {
      provide: Dispatcher,
      useFactory: (local: Dispatcher, transport: QueueTransport) =>
        new QueueDispatcher(local, transport, runsPasses),
      inject: [Local, QueueTransport],
    },
    {
      provide: BudgetStores,
      useFactory: (own: BudgetStore, transport: QueueTransport) =>
        new BudgetStores(own, new RedisBudgetStore(() => transport.redis, transport.keyPrefix)),
      inject: [MemoryBudgetStore, QueueTransport],
    },
  ];
}
