import { Column, DataSource, Entity, PrimaryColumn, type QueryRunner } from 'typeorm';
import { keysOfTable, uniqueKeysOf } from '../../lib/entities/unique-keys.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

@Entity({ name: 'Odd table', schema: 'shop' })
class Row {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  a!: string;

  @Column('text')
  b!: string;
}

describe('the unique keys of a table', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let runner: QueryRunner;
  beforeAll(async () => {
    database = await createDatabase();
    dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [Row] });
    await dataSource.initialize();
    runner = dataSource.createQueryRunner();
    await runner.query('CREATE SCHEMA shop');
  });
  beforeEach(() => runner.query('CREATE TABLE shop."Odd table" (id int PRIMARY KEY, a text, b text)'));
  afterEach(() => runner.query('DROP TABLE IF EXISTS shop."Odd table"'));
  afterAll(async () => {
    await runner.release();
    await dataSource.destroy();
    await database.drop();
  });

  const metadata = () => dataSource.getMetadata(Row);
  const keys = async () =>
    (await uniqueKeysOf(runner, metadata()))!.map((key) => [...key].sort().join()).sort();

  it.each([
    ['CREATE UNIQUE INDEX ON shop."Odd table" (b)', ['b', 'id']],
    ['ALTER TABLE shop."Odd table" ADD UNIQUE (b, a)', ['a,b', 'id']],
    ['CREATE UNIQUE INDEX ON shop."Odd table" (a) INCLUDE (b)', ['a', 'id']],
    ['CREATE INDEX ON shop."Odd table" (b)', ['id']],
    ['CREATE UNIQUE INDEX ON shop."Odd table" (b) WHERE a IS NULL', ['id']],
    ['CREATE UNIQUE INDEX ON shop."Odd table" (b, lower(a))', ['id']],
    ['ALTER TABLE shop."Odd table" ADD UNIQUE (b) DEFERRABLE', ['id']],
    ['ALTER TABLE shop."Odd table" DROP CONSTRAINT "Odd table_pkey"', []],
  ])('%s', async (statement, expected) => {
    await runner.query(statement);
    expect(await keys()).toEqual(expected);
  });

  it('are not known while there is no table', async () => {
    await runner.query('DROP TABLE shop."Odd table"');
    expect(await uniqueKeysOf(runner, metadata())).toBeNull();
  });

  it('are found in what TypeORM reads too, but for what it does not tell apart', async () => {
    await runner.query('CREATE UNIQUE INDEX ON shop."Odd table" (b) WHERE a IS NULL');
    await runner.query('CREATE UNIQUE INDEX ON shop."Odd table" (a, b)');
    await runner.query('ALTER TABLE shop."Odd table" ADD UNIQUE (a)');
    const table = await runner.getTable(metadata().tablePath);
    const found = keysOfTable(table!).map((key) => [...key].sort().join());
    expect(found.sort()).toEqual(['a', 'a,b', 'id']);
  });
});
