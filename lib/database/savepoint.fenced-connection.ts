import type { EntityManager } from 'typeorm';
import { TransactionOverError, type FencedConnection } from './fenced-connection.js';
import { positional } from './positional.js';
import type { Statement } from './statement.js';
import { hasOpenPart, markEnded, type TypeOrmRunner } from './typeorm-runner.js';

/** Set behind the fence: it is gone as soon as the transaction is, whoever ended it. */
const SAVEPOINT = 'sync_fence';

/**
 * For databases that send one statement at a time and have no number for a transaction: a savepoint behind the fence
 * stands for it.
 */
export abstract class SavepointFencedConnection implements FencedConnection {
  /** From `begin()` on. */
  protected runner!: TypeOrmRunner;
  protected isCut = false;
  private begun = false;
  private ending = false;
  /** Of what the work has sent, it is known to have ended the transaction. */
  private over?: TransactionOverError;

  get manager(): EntityManager {
    return this.runner.manager;
  }

  get isLost(): boolean {
    return this.isCut || this.isConnectionLost();
  }

  async begin(fences: readonly Statement[], rows: number): Promise<boolean> {
    this.runner = await this.open();
    this.guardTheWork();
    let found = 0;
    for (const fence of fences) found += await this.affectedBy(fence);
    if (found !== rows) return false;
    await this.setSavepoint();
    this.begun = true;
    return true;
  }

  within<T>(work: () => T): T {
    return work();
  }

  async commit(statements: readonly Statement[]): Promise<void> {
    if (hasOpenPart(this.runner)) throw new TransactionOverError('open');
    await this.announceCommit();
    if (this.over) throw this.over;
    await this.commitOpen(async () => {
      this.ending = true;
      await this.releaseSavepoint();
      for (const statement of statements) await this.run(...positional(statement));
    });
  }

  async hasEnded(): Promise<boolean> {
    if (!this.begun || this.over?.by === 'error' || this.isLost) return false;
    return this.releaseSavepoint().then(
      () => false,
      (error: unknown) => error instanceof TransactionOverError && error.by === 'hand',
    );
  }

  async rollBack(): Promise<void> {
    if (this.isLost) return;
    const reason = new Error('the transaction could not be rolled back');
    // With a part still open, someone is at work on this connection.
    if (hasOpenPart(this.runner)) return this.destroy(reason);
    this.ending = true;
    try {
      await this.rollBackOpen();
    } catch {
      await this.destroy(reason);
    }
  }

  async destroy(reason: Error): Promise<void> {
    if (this.isCut) return;
    this.isCut = true;
    await this.cut(reason);
  }

  async release(): Promise<void> {
    if (!this.isCut) await this.giveBack();
  }

  /** Opens the transaction. If it has been cut meanwhile, nobody will give back what this has taken. */
  protected abstract open(): Promise<TypeOrmRunner>;
  /** Whether the driver knows that the connection is gone. */
  protected abstract isConnectionLost(): boolean;
  /** Whether the database has ended the transaction at this error. */
  protected abstract endsTransaction(error: unknown): boolean;
  /** Whether this error says that there is no such savepoint. */
  protected abstract isSavepointGone(error: unknown): boolean;
  /** Cuts the connection, and sees to it that the runner refuses whatever still comes. */
  protected abstract cut(reason: Error): Promise<void>;
  protected abstract giveBack(): Promise<void>;

  /** Whether the driver knows that there is no transaction any more. */
  protected hasNoTransaction(): boolean {
    return false;
  }

  protected async announceCommit(): Promise<void> {
    await this.runner.broadcaster.broadcast('BeforeTransactionCommit');
  }

  protected async commitOpen(settle: () => Promise<void>): Promise<void> {
    await settle();
    await this.run('COMMIT');
    this.letThrough();
    await markEnded(this.runner, 'AfterTransactionCommit');
  }

  protected async rollBackOpen(): Promise<void> {
    if (!this.hasNoTransaction()) await this.run('ROLLBACK');
    await markEnded(this.runner, 'AfterTransactionRollback');
  }

  /** Whether the statement is the end of the transaction as this connection has asked for it. */
  protected isEnd(_statement: unknown): boolean {
    return false;
  }

  /** Committed: subscribers may look around again. */
  protected letThrough(): void {
    this.ending = false;
    this.over = undefined;
  }

  /** Past the guard, which is for the work. */
  protected run: (sql: string, params?: unknown[]) => Promise<unknown> = () => Promise.resolve();

  private async affectedBy(statement: Statement): Promise<number> {
    const { affected } = (await this.run(...positional(statement))) as { affected?: number };
    return affected ?? 0;
  }

  protected async setSavepoint(): Promise<void> {
    await this.run(`SAVEPOINT ${SAVEPOINT}`);
  }

  /** @throws TransactionOverError if it is gone, and the database's error if nobody can say */
  protected async releaseSavepoint(): Promise<void> {
    try {
      await this.run(`RELEASE SAVEPOINT ${SAVEPOINT}`);
    } catch (error) {
      if (!this.isSavepointGone(error)) throw error;
      throw this.over ?? new TransactionOverError('hand', { cause: error });
    }
  }

  /**
   * What follows the end of the transaction would be committed by itself, statement by statement; so would what the work
   * has left running while it is being ended.
   */
  private guardTheWork(): void {
    const query = this.runner.query.bind(this.runner) as (...args: unknown[]) => Promise<unknown>;
    this.run = (sql, params = []) => query(sql, params, true);
    const guarded = async (...args: unknown[]): Promise<unknown> => {
      if ((this.over || this.ending) && !this.isEnd(args[0]))
        throw this.over ?? new TransactionOverError('hand');
      try {
        const result = await query(...args);
        if (this.hasNoTransaction()) this.over ??= new TransactionOverError('hand');
        return result;
      } catch (error) {
        if (this.endsTransaction(error)) this.over ??= new TransactionOverError('error', { cause: error });
        throw error;
      }
    };
    this.runner.query = guarded as typeof this.runner.query;
  }
}
