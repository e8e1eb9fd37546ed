export interface PostgresOptions {
  /** Where the data is kept from one start to the next. Without it, a temporary folder that is removed on stop. */
  dataDir?: string;
  /** @default a free one */
  port?: number;
  /**
   * `false` saves the waiting for the disk, and the disk where there is memory to spare: rows survive a killed application,
   * but not a killed server.
   * @default true
   */
  durable?: boolean;
  /** @default 200 */
  maxConnections?: number;
}

export interface Postgres {
  /** Connection string of a superuser. */
  url: string;
  /** Ends every connection and the server. Also happens by itself when this process ends, however suddenly. */
  stop(): Promise<void>;
}

/**
 * Starts a Postgres server of its own on 127.0.0.1, with nothing installed but npm packages. Where the environment has
 * a `DATABASE_URL`, that database is used and nothing is started.
 */
export function startPostgres(options?: PostgresOptions): Promise<Postgres>;
