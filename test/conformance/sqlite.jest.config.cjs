/** The promises on SQLite, in files: `npm run test:sqlite`. */
module.exports = require('./lane.cjs')('better-sqlite3');
