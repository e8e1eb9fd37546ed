/**
 * What needs a Redis: `npm run test:redis`. The dispatcher's suite on both libraries of queues; and with TEST_QUEUE=bull
 * or bullmq, the promises that a dispatcher has a part in.
 */
const queue = process.env.TEST_QUEUE;

/** Not those that say which process it is that handles an event: with a queue it may be any. */
const promises = [
  'e2e/promise-0[13458]*',
  'e2e/promise-02-once{,-by-hand,-failing,-isolation}',
  'e2e/promise-09-{handlers,provider,refused-row}',
  'e2e/{parents,pause-and-observe,shutdown,seam-roles,convergence}',
  'e2e/replay-and-explain*',
  'e2e/cluster-*',
];

module.exports = {
  ...require('../../jest.config.cjs'),
  rootDir: '../..',
  testMatch: queue
    ? promises.map((file) => `<rootDir>/test/${file}.spec.ts`)
    : ['<rootDir>/test/conformance/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/conformance/redis.setup.mjs',
  globalTeardown: '<rootDir>/test/conformance/redis.teardown.mjs',
};
