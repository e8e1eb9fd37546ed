import { Table, type DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { dataSourceOf } from '../data-source-of.js';
import { hasPartialIndexes, type SyncDatabaseType } from '../column-types.js';
import { entityPrefixOf, tableName, tablePath } from '../table-names.js';
import { key, migrationColumns, optional } from './migration-columns.js';

const IF_NOT_EXISTS = true;

/**
 * The module's tables. Schema and prefix are those of the data source, so that a host's naming applies. What a host with
 * `synchronize: true` has made is left as it is.
 */
export class CreateSyncTables1763900000000 implements MigrationInterface {
  readonly name = 'CreateSyncTables1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    for (const table of tablesFor(dataSource)) {
      const name = tablePath(dataSource, table.name);
      await runner.createTable(new Table({ ...table, name }), IF_NOT_EXISTS);
    }
    if (dataSource.options.type === 'postgres') await tune(runner, dataSource);
  }

  async down(runner: QueryRunner): Promise<void> {
    const dataSource = dataSourceOf(runner);
    for (const { name } of tablesFor(dataSource).reverse())
      await runner.dropTable(tablePath(dataSource, name));
  }
}

function tablesFor(dataSource: DataSource) {
  const prefix = entityPrefixOf(dataSource);
  const partial = hasPartialIndexes(dataSource.options.type as SyncDatabaseType);
  const columns = migrationColumns(dataSource);
  const { id, text, longText, digest, token, time, timeOfInsert, flag, flagOff, count, ofState } = columns;

  return [
    {
      name: 'sync_event',
      columns: [
        id(),
        digest('dedupe_key'),
        text('source', 64),
        text('connection_id'),
        text('resource'),
        text('record_id'),
        digest('record_key'),
        optional(text('event_id')),
        text('type'),
        text('origin', 16),
        flagOff('deletion'),
        optional(time('occurred_at')),
        timeOfInsert('received_at'),
        { ...text('state', 16), default: `'waiting'` },
        optional(text('reason', 32)),
        timeOfInsert('available_at'),
        optional(text('wait_reason', 32)),
        optional(flag('late')),
        optional(time('replayed_at')),
        count('replay_no'),
        longText('succeeded_by'),
        longText('dead_by'),
        longText('error'),
        optional(time('settled_at')),
        longText('payload'),
      ],
      indices: [
        { name: `${prefix}UQ_sync_event_dedupe`, columnNames: ['dedupe_key'], isUnique: true },
        ofState(`${prefix}IX_sync_event_due`, ['source', 'connection_id', 'available_at'], ['waiting']),
        ofState(`${prefix}IX_sync_event_record`, ['record_key'], ['waiting', 'dead']),
        ...settledIndices(partial, prefix),
      ],
    },
    {
      name: 'sync_record',
      columns: [
        key(digest('record_key'), `${prefix}PK_sync_record`),
        text('source', 64),
        text('connection_id'),
        text('resource'),
        text('record_id'),
        count('version'),
        optional(text('fingerprint', 64)),
        count('fingerprint_revision'),
        optional(time('deleted_at')),
        optional(time('saved_at')),
        count('ticket', 'bigint'),
        optional(time('newest_event_at')),
        token('lease_token'),
        optional(time('lease_until')),
        token('tx_token'),
        count('starts'),
        count('fetch_failures'),
        optional(time('fetch_failed_at')),
        optional(time('fetch_due_at')),
        count('missing_reads'),
        optional(time('missing_since')),
      ],
      indices: [
        {
          name: `${prefix}IX_sync_record_deleted`,
          columnNames: ['source', 'connection_id', 'deleted_at'],
          ...(partial && { where: 'deleted_at IS NOT NULL' }),
        },
      ],
    },
    {
      name: 'sync_mark',
      columns: [
        key(digest('record_key'), `${prefix}PK_sync_mark`),
        key({ name: 'event_id', type: 'bigint' }, `${prefix}PK_sync_mark`),
        key(text('handler'), `${prefix}PK_sync_mark`),
        text('state', 16),
        count('version'),
        flagOff('deleted'),
        count('failed_version'),
        count('attempts'),
        count('conflicts'),
        count('replay_no'),
        optional(time('due_at')),
        longText('error'),
      ],
    },
    {
      name: 'sync_connection',
      columns: [
        key(text('source', 64), `${prefix}PK_sync_connection`),
        key(text('connection_id'), `${prefix}PK_sync_connection`),
        count('ticket', 'bigint'),
        timeOfInsert('start_at'),
      ],
    },
    {
      name: 'sync_pause',
      columns: [
        key(text('source', 64), `${prefix}PK_sync_pause`),
        key(text('connection_id'), `${prefix}PK_sync_pause`),
        key(text('handler'), `${prefix}PK_sync_pause`),
        timeOfInsert('paused_at'),
      ],
    },
  ];
}

/** For the dead, and for those that a handler may still turn up for. Without partial indexes, one serves both. */
function settledIndices(partial: boolean, prefix: string) {
  if (!partial)
    return [{ name: `${prefix}IX_sync_event_settled`, columnNames: ['state', 'source', 'settled_at'] }];
  const columnNames = ['source', 'settled_at'];
  return [
    { name: `${prefix}IX_sync_event_dead`, columnNames, where: `state = 'dead'` },
    {
      name: `${prefix}IX_sync_event_unhandled`,
      columnNames,
      where: `state = 'skipped' AND reason = 'no-handler'`,
    },
  ];
}

/** How PostgreSQL shall keep rows. */
async function tune(runner: QueryRunner, dataSource: DataSource): Promise<void> {
  // Every pass rewrites its record's row a few times: room on the page keeps those updates out of the indexes.
  await runner.query(`ALTER TABLE ${tableName(dataSource, 'sync_record')} SET (fillfactor = 70)`);
  if (await hasLz4(runner)) {
    // A quarter less of the server's time for each delivery than with the default, pglz.
    const event = tableName(dataSource, 'sync_event');
    await runner.query(`ALTER TABLE ${event} ALTER COLUMN payload SET COMPRESSION lz4`);
  }
}

/** From PostgreSQL 14 on, where the server was built with it. */
async function hasLz4(runner: QueryRunner): Promise<boolean> {
  const found: unknown[] = await runner.query(
    `SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)`,
  );
  return found.length > 0;
}
