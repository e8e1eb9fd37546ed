import { DataSource } from 'typeorm';

/** A new empty database on the server of `DATABASE_URL`, and a connection to it. */
export async function createDatabase() {
  const name = `host_${process.pid}_${Date.now().toString(36)}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = new URL(process.env.DATABASE_URL!);
  url.pathname = `/${name}`;
  const sql = await new DataSource({ type: 'postgres', url: url.href }).initialize();
  const drop = async () => {
    await sql.destroy();
    await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
  };
  return { url: url.href, sql, drop };
}

async function onServer(statement: string): Promise<void> {
  const server = await new DataSource({ type: 'postgres', url: process.env.DATABASE_URL }).initialize();
  await server.query(statement);
  await server.destroy();
}
