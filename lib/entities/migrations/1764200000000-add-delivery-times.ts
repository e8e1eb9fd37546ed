import { TableColumn, type DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { dataSourceOf } from '../data-source-of.js';
import { tablePath } from '../table-names.js';
import { migrationColumns, optional } from './migration-columns.js';

/** What a reconciliation asks of a record's settled events, which no index leads to. */
export class AddDeliveryTimes1764200000000 implements MigrationInterface {
  readonly name = 'AddDeliveryTimes1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    const record = tablePath(dataSource, 'sync_record');
    for (const column of columnsFor(dataSource)) {
      if (!(await runner.hasColumn(record, column.name))) await runner.addColumn(record, column);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    for (const column of columnsFor(dataSource).reverse())
      await runner.dropColumn(tablePath(dataSource, 'sync_record'), column.name);
  }
}

function columnsFor(dataSource: DataSource): TableColumn[] {
  const { time } = migrationColumns(dataSource);
  return ['delivered_at', 'ignored_at'].map((name) => new TableColumn(optional(time(name))));
}
