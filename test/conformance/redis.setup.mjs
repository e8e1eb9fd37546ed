import globalSetup from '../support/global-setup.mjs';
import { startRedis } from '../../tools/servers/redis.mjs';

/** What every run needs, and a Redis. */
export default async function setUpWithRedis() {
  globalThis.testRedis = await startRedis();
  process.env.TEST_REDIS_URL = globalThis.testRedis.url;
  await globalSetup();
}
