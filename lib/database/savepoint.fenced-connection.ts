import type { EntityManager } from 'typeorm';
import { TransactionOverError, type FencedConnection } from './fenced-connection.js';
import { positional } from './positional.js';
import type { Statement } from './statement.js';
import { hasOpenPart, markBegun, markEnded, type TypeOrmRunner } from './typeorm-runner.js';

/** Set behind the fence: it is gone as soon as the transaction is, whoever ended it. */
const SAVEPOINT = 'sync_fence';

/**
 * For databases that send one statement at a time and have no number for a transaction: a savepoint behind the fence
 * stands for it.
 */
export abstract class SavepointFencedConnection implements FencedConnection {
  /** The error at which the database ended the transaction by itself. */
  private endedBy?: unknown;
  private begun = false;
  private destroyed = false;
  private released = false;

  constructor(protected readonly runner: TypeOrmRunner) {}

  get manager(): EntityManager {
    return this.runner.manager;
  }

  get isLost(): boolean {
    return this.destroyed || this.runner.isReleased || this.isConnectionLost();
  }

  async begin(fence: Statement): Promise<boolean> {
    await this.open();
    markBegun(this.runner);
    this.refuseAfterTheEnd();
    if ((await this.affectedBy(fence)) !== 1) return false;
    await this.run(`SAVEPOINT ${SAVEPOINT}`);
    this.begun = true;
    return true;
  }

  async commit(statements: readonly Statement[]): Promise<void> {
    if (hasOpenPart(this.runner)) throw new TransactionOverError('open');
    await this.runner.broadcaster.broadcast('BeforeTransactionCommit');
    if (this.endedBy !== undefined) throw new TransactionOverError('error', { cause: this.endedBy });
    if (!(await this.releaseSavepoint())) throw new TransactionOverError('hand');
    for (const statement of statements) await this.run(...positional(statement));
    await this.run('COMMIT');
    await markEnded(this.runner, 'AfterTransactionCommit');
  }

  async hasEnded(): Promise<boolean> {
    if (!this.begun || this.endedBy !== undefined || this.isLost) return false;
    return !(await this.releaseSavepoint());
  }

  async rollBack(): Promise<void> {
    if (this.isLost) return;
    const reason = new Error('the transaction could not be rolled back');
    // With a part still open, someone is at work on this connection.
    if (hasOpenPart(this.runner)) return this.destroy(reason);
    try {
      await this.rollBackOpen();
      await markEnded(this.runner, 'AfterTransactionRollback');
    } catch {
      await this.destroy(reason);
    }
  }

  async destroy(reason: Error): Promise<void> {
    if (this.destroyed) return;
    this.destroyed = true;
    await this.cut(reason);
  }

  async release(): Promise<void> {
    this.released = true;
    if (!this.destroyed) await this.giveBack();
  }

  /** Opens the transaction. */
  protected abstract open(): Promise<void>;
  /** Whether the driver knows that the connection is gone. */
  protected abstract isConnectionLost(): boolean;
  /** Whether the database has ended the transaction at this error. */
  protected abstract endsTransaction(error: unknown): boolean;
  protected abstract cut(reason: Error): Promise<void>;
  protected abstract giveBack(): Promise<void>;

  protected async rollBackOpen(): Promise<void> {
    await this.run('ROLLBACK');
  }

  /** Past `refuseAfterTheEnd`, which is for the work. */
  protected run: (sql: string, params?: unknown[]) => Promise<unknown> = (sql, params = []) =>
    this.runner.query(sql, params, true);

  private async affectedBy(statement: Statement): Promise<number> {
    const { affected } = (await this.run(...positional(statement))) as { affected?: number };
    return affected ?? 0;
  }

  private async releaseSavepoint(): Promise<boolean> {
    try {
      await this.run(`RELEASE SAVEPOINT ${SAVEPOINT}`);
      return true;
    } catch (error) {
      if (this.isLost) throw error;
      return false;
    }
  }

  /** What follows an error that ended the transaction would be committed by itself, statement by statement. */
  private refuseAfterTheEnd(): void {
    const query = this.runner.query.bind(this.runner) as (...args: unknown[]) => Promise<unknown>;
    this.run = (sql, params = []) => query(sql, params, true);
    const guarded = async (...args: unknown[]): Promise<unknown> => {
      if (this.destroyed || this.released) throw new TransactionOverError('error');
      if (this.endedBy !== undefined) throw new TransactionOverError('error', { cause: this.endedBy });
      try {
        return await query(...args);
      } catch (error) {
        if (this.endsTransaction(error)) this.endedBy = error;
        throw error;
      }
    };
    this.runner.query = guarded as typeof this.runner.query;
  }
}
