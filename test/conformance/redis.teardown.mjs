import globalTeardown from '../support/global-teardown.mjs';

export default async function tearDownWithRedis() {
  await globalThis.testRedis?.stop();
  await globalTeardown();
}
