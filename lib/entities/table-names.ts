import type { DataSource } from 'typeorm';

/** The tables' names as they stand in SQL, quoted and with their schema. */
export interface TableNames {
  readonly event: string;
  readonly record: string;
  readonly mark: string;
  readonly connection: string;
  readonly pause: string;
  readonly cursor: string;
  readonly run: string;
  readonly finding: string;
}

/** Without schema and prefix. */
export const TABLES = [
  'sync_event',
  'sync_record',
  'sync_mark',
  'sync_connection',
  'sync_pause',
  'sync_cursor',
  'sync_run',
  'sync_finding',
] as const;

/** A table's path as TypeORM would make it of an entity: with the schema and prefix of the data source's options. */
export function tablePath({ options, namingStrategy, driver }: DataSource, name: string): string {
  const { entityPrefix, schema } = options as { entityPrefix?: string; schema?: string };
  const given = namingStrategy.tableName(name, name);
  const prefixed = entityPrefix ? namingStrategy.prefixTableName(entityPrefix, given) : given;
  return driver.buildTableName(prefixed, schema);
}

/** A table's name, ready for SQL. */
export function tableName(dataSource: DataSource, name: string): string {
  return tablePath(dataSource, name)
    .split('.')
    .map((part) => dataSource.driver.escape(part))
    .join('.');
}

/** What a data source puts before its tables' names. */
export function entityPrefixOf({ options }: DataSource): string {
  return options.entityPrefix ?? '';
}

/** The names of all tables, ready for SQL. */
export function tableNamesOf(dataSource: DataSource): TableNames {
  return {
    event: tableName(dataSource, 'sync_event'),
    record: tableName(dataSource, 'sync_record'),
    mark: tableName(dataSource, 'sync_mark'),
    connection: tableName(dataSource, 'sync_connection'),
    pause: tableName(dataSource, 'sync_pause'),
    cursor: tableName(dataSource, 'sync_cursor'),
    run: tableName(dataSource, 'sync_run'),
    finding: tableName(dataSource, 'sync_finding'),
  };
}
