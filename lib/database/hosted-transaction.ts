import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager } from 'typeorm';
import { dataSourceOf } from '../entities/data-source-of.js';
import { SyncConfigError } from '../sync.errors.js';
import type { OpenTransaction } from '../sync.options.js';
import { TransactionOverError } from './fenced-connection.js';
import type { TypeOrmRunner } from './typeorm-runner.js';

/** What a kind of database does at the end. */
export interface HostedCommit {
  /** Writes what belongs into the transaction at last. */
  settle(): Promise<unknown>;
  /** Sends the COMMIT, unless the transaction has ended already. */
  sendCommit(send: () => Promise<unknown>): Promise<unknown>;
  /** Cuts the connection: nothing is to be written on it any more. */
  cut(reason: Error): Promise<void>;
}

/** Not to a savepoint. */
const ROLLBACK = /^\s*(ROLLBACK|ABORT)\b(?!\s+(WORK\s+|TRANSACTION\s+)?TO\b)/i;

/**
 * A transaction that a function of the host's opens and ends, held open from outside of that function. It has an async
 * context that the host's libraries know it by.
 */
export class HostedTransaction {
  private context: <T>(work: () => T) => T = (work) => work();
  private finished: Promise<unknown> = Promise.resolve();
  private readonly verdict: Promise<void>;
  private commitIt!: () => void;
  private rollItBack!: (reason: Error) => void;

  constructor(
    private readonly host: DataSource,
    private readonly open: OpenTransaction,
  ) {
    this.verdict = new Promise((resolve, reject) => {
      this.commitIt = resolve;
      this.rollItBack = reject;
    });
    // Whether anybody waits for it is the host's affair.
    this.verdict.catch(() => undefined);
  }

  /** @throws SyncConfigError `SYNC_INVALID_OPTION` if what the host opens is no such transaction */
  begin(): Promise<TypeOrmRunner> {
    return new Promise((begun, failed) => {
      const work = async (manager: EntityManager) => {
        const runner = this.runnerOf(manager);
        this.context = AsyncLocalStorage.snapshot();
        begun(runner);
        await this.verdict;
      };
      this.finished = (async () => this.open(work, { isolationLevel: 'READ COMMITTED' }))();
      this.finished.then(() => failed(invalid('it did not call work()')), failed);
    });
  }

  /** Runs the work where the host's libraries find the transaction. */
  within<T>(work: () => T): T {
    return this.context(work);
  }

  /**
   * From here until the host's COMMIT, what the work has left running could still end the transaction.
   * @throws what `settle` or the host's function throws: nothing is committed then, or nobody can say
   */
  async commit(runner: TypeOrmRunner, { settle, sendCommit, cut }: HostedCommit): Promise<void> {
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    let isHeld = true;
    let over: TransactionOverError | undefined;
    const guarded = async (...args: [sql: string, ...unknown[]]): Promise<unknown> => {
      if (args[0] === 'COMMIT') {
        isHeld = false;
        return sendCommit(() => query(...args));
      }
      if (isHeld && ROLLBACK.test(args[0])) {
        over = new TransactionOverError('hand');
        await cut(over);
        throw over;
      }
      return query(...args);
    };
    runner.query = guarded as typeof runner.query;
    try {
      await settle();
      this.commitIt();
      await this.finished;
    } catch (error) {
      throw over ?? error;
    } finally {
      isHeld = false;
    }
  }

  /** Resolves when the host's function has ended. */
  async rollBack(): Promise<void> {
    this.abandon(new Error('a handler has failed, or there is nothing to commit'));
    await this.finished.catch(() => undefined);
  }

  /** The same, without waiting for it. */
  abandon(reason: Error): void {
    this.rollItBack(reason);
  }

  private runnerOf(manager: EntityManager): TypeOrmRunner {
    const runner = (manager as EntityManager | undefined)?.queryRunner;
    if (!runner) throw invalid('it called work() without the manager of a transaction');
    if (dataSourceOf(runner) !== this.host) throw invalid('its transaction is on another data source');
    if (!runner.isTransactionActive) throw invalid('it called work() with no transaction open');
    return runner as TypeOrmRunner;
  }
}

/** Tries once what every handler will need. @throws SyncConfigError `SYNC_INVALID_OPTION` */
export async function checkTransaction(host: DataSource, open: OpenTransaction): Promise<void> {
  const hosted = new HostedTransaction(host, open);
  await hosted.begin();
  await hosted.rollBack();
}

function invalid(problem: string): SyncConfigError {
  return new SyncConfigError(
    'SYNC_INVALID_OPTION',
    `transaction: ${problem}. It must open a transaction on the module's data source, call work(manager) in it and ` +
      `wait for that: (work, { isolationLevel }) => dataSource.transaction(isolationLevel, work).`,
  );
}
