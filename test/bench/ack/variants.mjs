/**
 * Who is measured: its server's module, that server's options, where deliveries go and in which table they end; one process
 * unless `processes` says otherwise.
 */
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
  {
    name: 'plain controller, Express, 256 connections',
    module: 'plain',
    options: { adapter: 'express' },
    connections: 256,
    path: '/hooks',
  },
  {
    name: 'hybrid-sync, Express, direct, 256 connections, two processes',
    module: 'hybrid-sync',
    options: { adapter: 'express', receive: 'direct' },
    processes: 2,
    connections: 256,
    path: '/hooks/stripe',
    table: 'sync_event',
  },
];
