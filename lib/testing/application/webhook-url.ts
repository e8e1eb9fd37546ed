import { RequestMethod, type INestApplication } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { WEBHOOK_DEFAULTS } from '../../sync.options.js';
import { ProcessDuties } from '../../sync.role.js';

/** Where a running application takes the deliveries of a source: its prefix, with what is excluded from it, included. */
export async function webhookUrl(app: INestApplication, source: string): Promise<string> {
  const { webhookPath } = app.get(ProcessDuties, { strict: false });
  const path = (webhookPath ?? WEBHOOK_DEFAULTS.path).replace(/^\/+|\/+$/g, '');
  const route = `/${path}/${source}`;
  const { config } = app as unknown as { config: ApplicationConfig };
  const excluded = config
    .getGlobalPrefixOptions()
    .exclude?.some(
      ({ pathRegex, requestMethod }) =>
        [RequestMethod.ALL, RequestMethod.POST].includes(requestMethod) && pathRegex.test(route),
    );
  const prefix = excluded ? '' : config.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
  return (await app.getUrl()) + (prefix && `/${prefix}`) + route;
}
