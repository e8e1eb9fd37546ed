import { Client } from 'pg';
import { createDatabase } from '../support/database.js';

describe('the database of a spec file', () => {
  it('is empty, its own, and gone after drop even with somebody connected', async () => {
    const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
    const client = new Client({ connectionString: one.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('CREATE TABLE only_here (id int)');

    const neighbour = new Client({ connectionString: other.url });
    await neighbour.connect();
    expect((await neighbour.query(`SELECT to_regclass('only_here') AS found`)).rows).toEqual([
      { found: null },
    ]);
    await neighbour.end();

    await one.drop();
    await other.drop();
    await expect(client.query('SELECT 1')).rejects.toThrow();
    const late = new Client({ connectionString: one.url });
    await expect(late.connect()).rejects.toThrow('does not exist');
  });
});
