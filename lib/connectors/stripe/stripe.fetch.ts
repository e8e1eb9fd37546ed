import type { Fetched, FetchOptions } from '../../model/connector.js';
import type { RecordKey } from '../../model/record.js';
import { ProviderError } from '../../sync.errors.js';
import type { StripeAccess, StripeClient, StripeRequest, StripeResponse } from './stripe.client.js';
import { failureOf, isMissing } from './stripe.failure.js';
import { completeLists } from './stripe.lists.js';
import { pathOf } from './stripe.record-id.js';

/**
 * Reads one record as it is now, and then what Stripe cut off of its lists: at most `MAX_PAGES` requests more, which
 * no budget counts.
 *
 * @param accessOf with which key to read a path, and for whom
 * @throws ProviderError
 */
export async function fetchRecord(
  client: StripeClient,
  { resource, id }: Pick<RecordKey, 'resource' | 'id'>,
  accessOf: (path: string) => StripeAccess,
  options: FetchOptions,
): Promise<Fetched> {
  const place = pathOf(resource, id);
  if (!place) throw new ProviderError('rejected', `Stripe: a ${resource} cannot be read by such an id`);
  const request = { ...accessOf(place.path), path: place.path, label: `GET ${place.template}` };

  const response = await client.get(request, options);
  const { body, answer } = response;
  if (isMissing(answer)) return { found: false, stated: false };
  const isRecord = body.object === resource && (place.ownId === null || body.id === place.ownId);
  if (!isOk(response) || !isRecord) throw failureOf(answer, request.label);
  // Stripe remembers some ids, a customer's for one: 200 with { id, object, deleted: true }. Others are a 404.
  if (body.deleted === true) return { found: false, stated: true };

  const pageRequest = { ...request, label: `${request.label}, a list in it` };
  await completeLists(body, (path) => readPage(client, { ...pageRequest, path }, options));
  return { found: true, data: body };
}

async function readPage(client: StripeClient, request: StripeRequest, options: FetchOptions) {
  const response = await client.get(request, options);
  const { body, answer } = response;
  if (isOk(response) && body.object === 'list' && Array.isArray(body.data)) return body;
  // The row to go on from may be gone. That says nothing of the record: the next attempt reads it anew.
  if (isMissing(answer)) throw new ProviderError('unavailable', `Stripe: a row is gone (${request.label})`);
  throw failureOf(answer, request.label);
}

function isOk({ answer: { status } }: StripeResponse): boolean {
  return status !== undefined && status >= 200 && status < 300;
}
