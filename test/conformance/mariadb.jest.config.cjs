/** The promises on MariaDB, or MySQL: `npm run test:mariadb`; that of MARIADB_URL, or one that is installed. */
module.exports = require('./lane.cjs')('mariadb');
