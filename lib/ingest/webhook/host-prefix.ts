import { RequestMethod } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

/** What is used of Nest's `ApplicationConfig`. */
interface PrefixConfig {
  getGlobalPrefix(): string;
  getGlobalPrefixOptions(): {
    exclude?: readonly { readonly pathRegex: RegExp; readonly requestMethod: number }[];
  };
}

/** Nest does not inject its application's configuration; the container that every ModuleRef holds has it. */
function configOf(moduleRef: ModuleRef): PrefixConfig | undefined {
  const { container } = moduleRef as unknown as { container?: { applicationConfig?: PrefixConfig } };
  return container?.applicationConfig;
}

/** The host's global prefix; `''`: it has none. */
export function globalPrefixOf(moduleRef: ModuleRef): string {
  return configOf(moduleRef)?.getGlobalPrefix() ?? '';
}

/**
 * Where deliveries come in, once the host is set up.
 * @param path of the webhooks, as the options have it
 * @returns the host's global prefix, or `''` if it has none or has excluded this route from it; and the whole of the route
 */
export function webhookRoute(path: string, moduleRef: ModuleRef): { prefix: string; route: string } {
  const own = `/${trimmed(path)}/:source`;
  const prefix = prefixBefore(own, moduleRef);
  return { prefix, route: prefix === '' ? own : `/${trimmed(prefix)}${own}` };
}

function prefixBefore(route: string, moduleRef: ModuleRef): string {
  const { exclude = [] } = configOf(moduleRef)?.getGlobalPrefixOptions() ?? {};
  // As Nest has it, -1 is as good as ALL.
  const methods: number[] = [RequestMethod.ALL, -1, RequestMethod.POST];
  const isExcluded = exclude.some(
    ({ pathRegex, requestMethod }) => methods.includes(requestMethod) && pathRegex.test(route),
  );
  return isExcluded ? '' : globalPrefixOf(moduleRef);
}

function trimmed(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}
