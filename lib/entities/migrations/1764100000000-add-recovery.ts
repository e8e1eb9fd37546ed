import {
  Table,
  TableColumn,
  TableIndex,
  type DataSource,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { hasPartialIndexes, type SyncDatabaseType } from '../column-types.js';
import { dataSourceOf } from '../data-source-of.js';
import { entityPrefixOf, tablePath } from '../table-names.js';
import { key, migrationColumns, optional } from './migration-columns.js';

const IF_NOT_EXISTS = true;

/** What polling, backfill and reconciliation keep. */
export class AddRecovery1764100000000 implements MigrationInterface {
  readonly name = 'AddRecovery1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    for (const table of tablesFor(dataSource)) await runner.createTable(table, IF_NOT_EXISTS);
    const event = tablePath(dataSource, 'sync_event');
    if (!(await runner.hasColumn(event, TICKET))) await runner.addColumn(event, ticketFor(dataSource));
    const held = heldIndexFor(dataSource);
    const indices = (await runner.getTable(event))!.indices;
    if (held && !indices.some(({ name }) => name === held.name)) await runner.createIndex(event, held);
  }

  async down(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    const event = tablePath(dataSource, 'sync_event');
    const held = heldIndexFor(dataSource);
    if (held) await runner.dropIndex(event, held);
    await runner.dropColumn(event, TICKET);
    for (const { name } of tablesFor(dataSource).reverse()) await runner.dropTable(name);
  }
}

const TICKET = 'ticket';

function ticketFor(dataSource: DataSource): TableColumn {
  const { default: _, ...ticket } = migrationColumns(dataSource).count(TICKET, 'bigint');
  return new TableColumn(optional(ticket));
}

/** For what is told of waiting events. A delivery is not in it; where indexes are over all rows, each would be. */
function heldIndexFor(dataSource: DataSource): TableIndex | null {
  if (!hasPartialIndexes(dataSource.options.type as SyncDatabaseType)) return null;
  return new TableIndex({
    name: `${entityPrefixOf(dataSource)}IX_sync_event_held`,
    columnNames: ['source', 'connection_id', 'wait_reason', 'received_at'],
    where: `state = 'waiting' AND wait_reason IS NOT NULL`,
  });
}

function tablesFor(dataSource: DataSource): Table[] {
  const columns = migrationColumns(dataSource);
  const { id, text, longText, digest, token, time, timeOfInsert, count, flagOff } = columns;
  const prefix = entityPrefixOf(dataSource);
  const cursorKey = `${prefix}PK_sync_cursor`;
  const findingKey = `${prefix}PK_sync_finding`;
  return [
    {
      name: 'sync_cursor',
      columns: [
        key(text('source', 64), cursorKey),
        key(text('connection_id'), cursorKey),
        { ...key(text('kind', 16), cursorKey), default: `'log'` },
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
    },
    {
      name: 'sync_run',
      columns: [
        id(),
        text('kind', 16),
        text('source', 64),
        text('connection_id'),
        { ...text('state', 16), default: `'running'` },
        longText('request'),
        longText('progress'),
        timeOfInsert('started_at'),
        timeOfInsert('due_at'),
        optional(time('finished_at')),
        token('lease_token'),
        optional(time('lease_until')),
      ],
    },
    {
      name: 'sync_finding',
      columns: [
        key({ name: 'run_id', type: 'bigint' }, findingKey),
        key(digest('record_key'), findingKey),
        text('resource'),
        text('record_id'),
        text('kind', 16),
        { ...text('state', 16), default: `'candidate'` },
        count('version'),
        optional(text('cause', 32)),
        optional(time('since')),
        flagOff('repaired'),
      ],
    },
  ].map((table) => new Table({ ...table, name: tablePath(dataSource, table.name) }));
}
