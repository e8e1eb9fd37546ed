import { writeIn } from '../../lib/testing/outside-writes/write-statement.js';

describe('a statement that writes', () => {
  it.each([
    [`INSERT INTO "outbound_mail"("id", "to") VALUES ($1, $2) RETURNING "id"`, 'INSERT outbound_mail'],
    [`insert into billing.mail values ('x')`, 'INSERT billing.mail'],
    ['INSERT IGNORE INTO `mail` SET a = 1', 'INSERT mail'],
    ['REPLACE INTO `mail` VALUES (1)', 'REPLACE mail'],
    [`UPDATE "public"."customer" SET "email" = $1 WHERE "id" = $2`, 'UPDATE public.customer'],
    ['UPDATE ONLY customer SET a = 1', 'UPDATE customer'],
    ['DELETE FROM "customer" WHERE id = $1', 'DELETE customer'],
    ['MERGE INTO customer USING news ON true WHEN MATCHED THEN DELETE', 'MERGE customer'],
    ['TRUNCATE TABLE "customer" CASCADE', 'TRUNCATE customer'],
    ['COPY customer (id, email) FROM STDIN', 'COPY customer'],
    ['CREATE TABLE IF NOT EXISTS "customer" (id int)', 'CREATE customer'],
    ['ALTER TABLE customer ADD COLUMN a int', 'ALTER customer'],
    ['DROP INDEX CONCURRENTLY IF EXISTS "IX_customer"', 'DROP IX_customer'],
    ['CALL close_month(7)', 'CALL close_month'],
    ['  /* job 7 */ -- nightly\n DELETE FROM customer', 'DELETE customer'],
    ['WITH gone AS (DELETE FROM customer RETURNING id) SELECT * FROM gone', 'DELETE customer'],
    ['WITH news AS (SELECT 1) INSERT INTO customer SELECT * FROM news', 'INSERT customer'],
    [`SELECT 'it''s'; UPDATE customer SET a = 1`, 'UPDATE customer'],
  ])('%s', (sql, written) => {
    const { verb, table } = writeIn(sql)!;
    expect(`${verb} ${table}`).toBe(written);
  });
});

describe('a statement that only reads, or locks', () => {
  it.each([
    'SELECT * FROM customer WHERE id = $1',
    'SELECT * FROM customer FOR UPDATE',
    'SELECT * FROM (SELECT 1) AS a FOR NO KEY UPDATE SKIP LOCKED',
    `SELECT 'DELETE FROM customer' AS text`,
    `SELECT ';DELETE FROM customer; it''s' AS text`,
    'SELECT $$; DROP TABLE customer$$',
    'SELECT $a$; DROP TABLE customer$a$, $1',
    `SELECT E'\\'; DELETE FROM customer'`,
    'SELECT 1 /* ; DELETE FROM customer */',
    'SELECT 1 -- ; DELETE FROM customer',
    'SELECT "update", "delete" FROM "insert"',
    `SELECT REPLACE(name, 'a', 'b') FROM customer`,
    'SELECT updated_at FROM updates ORDER BY (deleted_at)',
    'WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a, b',
    'COPY customer TO STDOUT',
    'START TRANSACTION',
    'COMMIT',
    'SAVEPOINT typeorm_1',
    'SET LOCAL statement_timeout = 5',
    'SHOW server_version',
    'EXPLAIN SELECT 1',
  ])('%s', (sql) => {
    expect(writeIn(sql)).toBeNull();
  });
});
