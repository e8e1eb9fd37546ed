import type { DataSource } from 'typeorm';
import { SavepointFencedConnection } from '../savepoint.fenced-connection.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import { whileBusy } from './busy.js';

/** The driver's connection. */
export interface SqliteHandle {
  readonly inTransaction: boolean;
  readonly open: boolean;
  close(): void;
}

/** A turn at writing, which only one transaction has at a time. */
export interface WriteTurn {
  end(): void;
}

/** Has the whole database, for as long as it is open. */
export class SqliteFencedConnection extends SavepointFencedConnection {
  private turn?: WriteTurn;
  private handle?: SqliteHandle;

  constructor(
    source: DataSource,
    private readonly timeoutMs: number,
    private readonly takeTurn: () => Promise<WriteTurn>,
    /** Called when nobody may use that data source any more. */
    private readonly spoiled: () => Promise<void>,
  ) {
    super(ownRunner(source));
  }

  protected async open(): Promise<void> {
    this.turn = await this.takeTurn();
    this.handle = (await this.runner.connect()) as SqliteHandle;
    await whileBusy(this.timeoutMs, () => this.run('BEGIN IMMEDIATE'));
  }

  protected isConnectionLost(): boolean {
    return this.handle?.open === false;
  }

  /** A full disk, say, ends the transaction; most errors only the statement. */
  protected endsTransaction(): boolean {
    return this.handle?.inTransaction === false;
  }

  protected override async rollBackOpen(): Promise<void> {
    if (this.handle?.inTransaction) await super.rollBackOpen();
  }

  protected async cut(): Promise<void> {
    // Closing it rolls back what is open, and leaves whoever still holds it with nothing.
    await this.spoiled();
    this.turn?.end();
  }

  protected async giveBack(): Promise<void> {
    this.turn?.end();
  }
}

/** TypeORM has one runner for a whole data source. With one for each transaction, what comes late is told from the next. */
export function ownRunner(source: DataSource): TypeOrmRunner {
  const Runner = source.createQueryRunner().constructor as new (driver: unknown) => TypeOrmRunner;
  const runner = new Runner(source.driver);
  return Object.assign(runner, { manager: source.createEntityManager(runner) });
}
