/** What of a request the log of every fake keeps. */
export interface RequestEntry {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** When it arrived, by the fake's clock. */
  readonly at: Date;
  /** The HTTP status of the answer; `null` until it is sent, 0 if the connection was cut instead. */
  status: number | null;
}

/** An answer on its way out. An object body is sent as JSON, text as HTML unless `headers` name another type. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}
