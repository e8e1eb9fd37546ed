/** The ways by which a delivery can come into an application: its framework, and who takes it from the network. */
export const WAYS_IN = [
  { adapter: 'express', receive: 'controller' },
  { adapter: 'fastify', receive: 'controller' },
  { adapter: 'express', receive: 'direct' },
  { adapter: 'fastify', receive: 'direct' },
] as const;
