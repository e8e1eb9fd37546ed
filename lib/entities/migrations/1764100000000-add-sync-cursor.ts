import { Table, type DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { dataSourceOf } from '../data-source-of.js';
import { entityPrefixOf, tablePath } from '../table-names.js';
import { key, migrationColumns, optional } from './migration-columns.js';

const IF_NOT_EXISTS = true;

/** Where walks over logs of changes stand. */
export class AddSyncCursor1764100000000 implements MigrationInterface {
  readonly name = 'AddSyncCursor1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(tableFor(dataSourceOf(runner)), IF_NOT_EXISTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(tablePath(dataSourceOf(runner), 'sync_cursor'));
  }
}

function tableFor(dataSource: DataSource): Table {
  const { text, longText, token, time, timeOfInsert, count } = migrationColumns(dataSource);
  const primaryKey = `${entityPrefixOf(dataSource)}PK_sync_cursor`;
  return new Table({
    name: tablePath(dataSource, 'sync_cursor'),
    columns: [
      key(text('source', 64), primaryKey),
      key(text('connection_id'), primaryKey),
      longText('position'),
      longText('wanted'),
      timeOfInsert('due_at'),
      token('walk_token'),
      optional(time('walk_until')),
      count('every_ms'),
      optional(time('read_at')),
      optional(time('delivered_at')),
      { ...text('health', 16), default: `'healthy'` },
      optional(time('health_at')),
      count('failures'),
      longText('error'),
    ],
  });
}
