/**
 * How a connection is:
 * - `healthy` webhooks bring what happens, and the API answers;
 * - `degraded` polling finds what a webhook should have brought: it is faster meanwhile;
 * - `down` the API cannot be read, walk after walk.
 */
export type SourceHealth = 'healthy' | 'degraded' | 'down';
