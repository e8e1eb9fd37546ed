/** The tests of the promises on MariaDB, or MySQL: needs MARIADB_URL. */
process.env.TEST_DATABASE_TYPE ??= 'mariadb';
module.exports = { ...require('../../jest.config.cjs'), rootDir: '../..' };
