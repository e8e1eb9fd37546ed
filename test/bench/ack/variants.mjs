/** Who is measured: its server's module, that server's options, where deliveries go and in which table they end. */
export const variants = [
  {
    name: 'plain controller, Express',
    module: 'plain',
    options: { adapter: 'express' },
    path: '/hooks',
  },
  {
    name: '@golevelup/nestjs-stripe, Express',
    module: 'golevelup',
    path: '/hooks/webhook',
  },
  {
    name: 'hybrid-sync, Express',
    module: 'hybrid-sync',
    options: { adapter: 'express' },
    path: '/hooks/stripe',
    table: 'sync_event',
  },
  {
    name: 'hybrid-sync, Express, direct',
    module: 'hybrid-sync',
    options: { adapter: 'express', receive: 'direct' },
    path: '/hooks/stripe',
    table: 'sync_event',
  },
  {
    name: 'hybrid-sync, Express, passes beside',
    module: 'hybrid-sync',
    options: { adapter: 'express', passes: true },
    path: '/hooks/stripe',
    table: 'sync_event',
  },
  {
    name: 'TypeORM insert per request, Express',
    module: 'typeorm-insert',
    path: '/hooks',
    table: 'delivery',
  },
  {
    name: 'plain controller, Fastify',
    module: 'plain',
    options: { adapter: 'fastify' },
    path: '/hooks',
  },
  {
    name: 'hybrid-sync, Fastify',
    module: 'hybrid-sync',
    options: { adapter: 'fastify' },
    path: '/hooks/stripe',
    table: 'sync_event',
  },
];
