import { databaseKind } from './database.js';
import type { Sql } from './sql.js';

export interface Trigger {
  name: string;
  /** `BEFORE INSERT ON sync_event`, say. */
  at: string;
  /** Only for such rows. */
  when?: string;
  /** What each row does: a statement, in PostgreSQL's words where those differ. */
  run: string;
}

/** Lets the database itself do something at the moment when a row is written. */
export async function createTrigger({ sql }: { sql: Sql }, { name, at, when, run }: Trigger): Promise<void> {
  if (databaseKind === 'postgres') {
    await sql(`CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN ${run}; RETURN NEW; END $$`);
    await sql(
      `CREATE OR REPLACE TRIGGER ${name} ${at} FOR EACH ROW ${when ? `WHEN (${when})` : ''} EXECUTE FUNCTION ${name}()`,
    );
    return;
  }
  await dropTrigger({ sql }, name);
  const body =
    databaseKind === 'sqlite'
      ? `${when ? `WHEN ${when}` : ''} BEGIN ${run}; END`
      : `BEGIN IF ${when ?? 'TRUE'} THEN ${run}; END IF; END`;
  await sql(`CREATE TRIGGER ${name} ${at} FOR EACH ROW ${body}`);
}

export async function dropTrigger({ sql }: { sql: Sql }, name: string): Promise<void> {
  await sql(databaseKind === 'postgres' ? `DROP FUNCTION ${name} CASCADE` : `DROP TRIGGER IF EXISTS ${name}`);
}

/** For `run`: the row is refused as by a column that is too short for it. */
export const REFUSE = {
  postgres: `RAISE EXCEPTION 'refused' USING ERRCODE = '22001'`,
  mysql: `SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'refused'`,
  sqlite: `SELECT RAISE(ABORT, 'refused')`,
}[databaseKind];
