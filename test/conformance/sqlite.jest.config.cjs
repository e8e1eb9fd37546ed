/** The tests of the promises on SQLite, in files. */
process.env.TEST_DATABASE_TYPE = 'better-sqlite3';
module.exports = { ...require('../../jest.config.cjs'), rootDir: '../..' };
