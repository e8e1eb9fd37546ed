import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** What a log costs is not asked here. */
const quiet = { logger: ['error', 'fatal', 'warn'] };

export function onExpress(module, options) {
  return NestFactory.create(module, { ...quiet, ...options });
}

export function onFastify(module, options) {
  return NestFactory.create(module, new FastifyAdapter(), { ...quiet, ...options });
}
