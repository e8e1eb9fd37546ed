/** The promises with the TypeORM that most hosts still have, on Postgres: `npm run test:typeorm-0.3`. */
const lane = require('./lane.cjs')('postgres');
module.exports = {
  ...lane,
  moduleNameMapper: { '^typeorm$': '<rootDir>/node_modules/typeorm-0.3/index.mjs', ...lane.moduleNameMapper },
};
