/** What must hold on every database: each promise that the tables have a part in, and each seam that they can be felt at. */
const files = [
  'e2e/promise-0*',
  'e2e/storage-*',
  'e2e/cluster-*',
  'e2e/{batched-changes,door,door-input,door-overload,mirror,parents,shutdown,first-day,request-scope,pause-and-observe,personal-data,retention,backlog,adaptive-polling}',
  'e2e/replay-and-explain*',
  'e2e/seam-{around,features,names,pool,renamed,roles,transaction}',
  'e2e/salesforce-stream',
  'unit/migrations',
];

/** @param {string} type the database, by TypeORM's name */
module.exports = (type) => {
  process.env.TEST_DATABASE_TYPE ??= type;
  return {
    ...require('../../jest.config.cjs'),
    rootDir: '../..',
    testMatch: files.map((file) => `<rootDir>/test/${file}.spec.ts`),
  };
};
