import { SyncConfigError } from '../../sync.errors.js';

/** A variable of the session by which the server ends what idles: MariaDB has one for transactions alone. */
export type IdleLimit = 'idle_transaction_timeout' | 'wait_timeout';

/** What matters of a server here. */
export interface MysqlServer {
  readonly idleLimit: IdleLimit;
  /** Whoever waits too long for a lock loses the whole transaction, not just the statement. */
  readonly rollsBackOnTimeout: boolean;
  /** What is wrong with its durability. */
  readonly weakness?: string;
}

/** What to ask it. */
export const SERVER_QUERY = `SELECT VERSION() AS version,
  @@GLOBAL.innodb_rollback_on_timeout AS rolls_back, @@GLOBAL.innodb_flush_log_at_trx_commit AS flush_log,
  @@GLOBAL.log_bin AS has_binlog, @@GLOBAL.sync_binlog AS sync_binlog`;

export interface ServerRow {
  readonly version: string;
  readonly rolls_back: unknown;
  readonly flush_log: unknown;
  readonly has_binlog: unknown;
  readonly sync_binlog: unknown;
}

/** The first that can skip locked rows. */
const OLDEST = { MariaDB: [10, 6], MySQL: [8, 0] } as const;

/** @throws SyncConfigError `SYNC_UNSUPPORTED_DATABASE` for a server that is too old */
export function serverOf(row: ServerRow): MysqlServer {
  const kind = /mariadb/i.test(row.version) ? 'MariaDB' : 'MySQL';
  assertIsNewEnough(kind, row.version);
  return {
    idleLimit: kind === 'MariaDB' ? 'idle_transaction_timeout' : 'wait_timeout',
    rollsBackOnTimeout: Number(row.rolls_back) === 1,
    weakness: weaknessOf(row),
  };
}

function assertIsNewEnough(kind: keyof typeof OLDEST, version: string): void {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [least, leastMinor] = OLDEST[kind];
  if (major > least || (major === least && minor >= leastMinor)) return;
  throw new SyncConfigError(
    'SYNC_UNSUPPORTED_DATABASE',
    `the data source's server is ${kind} ${version}, and the module needs MariaDB ${OLDEST.MariaDB.join('.')} or ` +
      `MySQL ${OLDEST.MySQL.join('.')}, or newer: upgrade it, or name another: SyncModule.forRoot({ dataSource: '<name>' }).`,
  );
}

function weaknessOf(row: ServerRow): string | undefined {
  const [flush, binlog] = [Number(row.flush_log), Number(row.sync_binlog)];
  const settings = [
    ...(flush === 1 ? [] : [`innodb_flush_log_at_trx_commit is ${flush}`]),
    // After a crash, what is not in the binary log is rolled back.
    ...(Number(row.has_binlog) === 1 && binlog !== 1 ? [`sync_binlog is ${binlog}`] : []),
  ];
  if (settings.length === 0) return undefined;
  return `${settings.join(' and ')}: what is accepted may be lost if the server loses its power. Set it to 1.`;
}
