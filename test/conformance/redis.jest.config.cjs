/**
 * What needs a Redis: `npm run test:redis`. The dispatcher's suite on both libraries of queues; and with TEST_QUEUE=bull
 * or bullmq, the promises that a dispatcher has a part in.
 */
const queue = process.env.TEST_QUEUE;

/** Not those that have to know which process handles an event, or that it has heard of it: with a queue nobody does. */
const promises = [
  'e2e/promise-0[1348]*',
  'e2e/promise-02-once{,-by-hand,-failing,-isolation}',
  'e2e/promise-09-{handlers,provider,refused-row}',
  'e2e/{parents,shutdown,seam-roles,convergence}',
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
