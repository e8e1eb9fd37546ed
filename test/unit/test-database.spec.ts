import { connectTo, createDatabase } from '../support/database.js';
import { itOn, SERVERS } from '../support/only-on.js';

describe('the database of a spec file', () => {
  it('is empty, and its own', async () => {
    const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
    const [connection, neighbour] = [await connectTo(one), await connectTo(other)];
    await connection.query('CREATE TABLE only_here (id int)');
    await expect(neighbour.query('SELECT id FROM only_here')).rejects.toThrow(/only_here/);
    await Promise.all([connection.destroy(), neighbour.destroy()]);
    await Promise.all([one.drop(), other.drop()]);
  });

  itOn(SERVERS, 'a file is there for as long as somebody has it open')(
    'is gone after drop even with somebody connected',
    async () => {
      const database = await createDatabase();
      const connection = await connectTo(database);
      const runner = connection.createQueryRunner();
      const client = (await runner.connect()) as NodeJS.EventEmitter;
      client.on('error', () => undefined);
      await runner.query('CREATE TABLE only_here (id int)');
      await database.drop();
      await expect(runner.query('SELECT id FROM only_here')).rejects.toThrow();
      await expect(connectTo(database)).rejects.toThrow(/does not exist|Unknown database/);
      await connection.destroy();
    },
  );
});
