import type { PgParameter } from './postgres.parameters.js';

/** One statement's result: values as text, in the order of its columns. */
export interface PgResult {
  readonly command: string;
  readonly rowCount: number;
  readonly rows: (string | null)[][];
}

/** The driver's side of the protocol. */
export interface PgConnection {
  readonly stream: { cork(): void; uncork(): void; destroy(): void };
  parse(statement: { name: string; text: string; types: never[] }): void;
  bind(portal: { statement: string; values: PgParameter[] }): void;
  execute(portal: { rows?: number }): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
}
