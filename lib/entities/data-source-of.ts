import type { DataSource } from 'typeorm';

/** The data source of a runner or manager: TypeORM 0.3 calls it `connection`. */
export function dataSourceOf(owner: { readonly dataSource: DataSource }): DataSource {
  const { dataSource, connection } = owner as { dataSource?: DataSource; connection: DataSource };
  return dataSource ?? connection;
}
