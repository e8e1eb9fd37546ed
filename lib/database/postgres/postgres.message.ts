import type { Statement } from '../statement.js';
import type { PgConnection, PgResult } from './postgres.protocol.js';
import { parameterOf, type PgParameter } from './postgres.parameters.js';
import type { PreparedStatements } from './prepared-statements.js';

/** `UPDATE 1`, `INSERT 0 1`, `COMMIT`. */
const COMMAND = /^(\w+)(?: \d+)??(?: (\d+))?$/;

/**
 * Statements that travel as one message: one round trip for all of them. The first that fails ends it, and what follows is
 * not done. A query of the kind that the `pg` driver lets others write; values are not converted: each is text.
 */
export class PgMessage {
  private readonly results: PgResult[] = [];
  /** Made at once: the driver could not go on after an error at sending. */
  private readonly values: PgParameter[][];
  private rows: (string | null)[][] = [];

  /** @param callback called once by the driver, which may put its own around it */
  constructor(
    private readonly statements: readonly Statement[],
    private readonly prepared: PreparedStatements,
    public callback: (error: Error | null, results?: PgResult[]) => void,
  ) {
    this.values = statements.map(({ params }) => params.map(parameterOf));
  }

  submit(connection: PgConnection): Error | null {
    connection.stream.cork();
    try {
      for (const [i, statement] of this.statements.entries()) {
        const name = this.prepared.prepare(connection, statement);
        connection.bind({ statement: name, values: this.values[i]! });
        connection.execute({});
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
    return null;
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.rows.push(fields);
  }

  handleCommandComplete({ text }: { text: string }): void {
    const [, command = text, rowCount] = COMMAND.exec(text) ?? [];
    this.results.push({ command, rowCount: Number(rowCount ?? 0), rows: this.rows });
    this.rows = [];
  }

  handleReadyForQuery(): void {
    this.callback(null, this.results);
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  /** None of our statements is one of these. */
  handleRowDescription(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}
