import { AsyncLocalStorage } from 'node:async_hooks';
import type { BeforeQueryEvent, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import type { SyncContext } from '../../handlers/sync.context.js';
import type { SyncHandler } from '../../handlers/sync-handler.js';
import { OutsideWriteError } from './outside-write.error.js';
import { writeIn } from './write-statement.js';

/** One call of a handler that has a transaction. */
interface Call {
  readonly handler: string;
  /** The transaction's connection. */
  readonly runner: QueryRunner | undefined;
  error?: OutsideWriteError;
  ended: boolean;
}

/**
 * Fails every handler with a transaction that writes elsewhere on the host's data source: TypeORM tells it of each
 * statement before it is sent, and the statement's async context tells whose it is. What runs beside a handler is none
 * of its business.
 */
export class OutsideWriteGuard implements EntitySubscriberInterface {
  private readonly calls = new AsyncLocalStorage<Call>();
  private readonly found: OutsideWriteError[] = [];

  /** The handler, its calls watched over. */
  readonly watch = <Handler extends SyncHandler>(handler: Handler): Handler => {
    if (handler.options.transaction === 'none') return handler;
    const call = (subject: never, context: SyncContext) => {
      const watched = { handler: handler.label, runner: context.manager.queryRunner, ended: false };
      return this.calls.run(watched, () => this.run(watched, () => handler.call(subject, context)));
    };
    return { ...handler, call };
  };

  /** Called by TypeORM before each statement. @throws OutsideWriteError for one that must not be sent */
  beforeQuery({ query, queryRunner }: BeforeQueryEvent): void {
    const call = this.calls.getStore();
    if (!call || call.ended || queryRunner === call.runner) return;
    const statement = writeIn(query);
    if (!statement) return;
    call.error ??= new OutsideWriteError(call.handler, statement);
    throw call.error;
  }

  /** What was found since the last time this was asked. */
  take(): OutsideWriteError[] {
    return this.found.splice(0);
  }

  /** Fails also if the handler has caught the error: what it wanted to write is not there. */
  private async run(call: Call, work: () => Promise<unknown>): Promise<unknown> {
    try {
      const result = await work();
      if (call.error) throw call.error;
      return result;
    } finally {
      call.ended = true;
      if (call.error) this.found.push(call.error);
    }
  }
}
