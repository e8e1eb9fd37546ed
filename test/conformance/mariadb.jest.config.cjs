/** The promises on MariaDB, or MySQL: `npm run test:mariadb`, with MARIADB_URL. */
module.exports = require('./lane.cjs')('mariadb');
