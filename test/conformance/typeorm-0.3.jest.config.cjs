/** The promises with the TypeORM that most hosts still have, on Postgres: `npm run test:typeorm-0.3`. */
module.exports = {
  ...require('./lane.cjs')('postgres'),
  resolver: '<rootDir>/test/conformance/typeorm-0.3.resolver.cjs',
};
