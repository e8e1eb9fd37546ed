import { badParameter } from './api-error.js';
import type { Resource } from './resource.js';
import type { StripeEvent, StripeObject } from './stripe-object.js';

/** The API version that events carry; that of stripe-node 23.1. */
export const API_VERSION = '2026-10-28.endive';

const MAX_TYPES = 20;

/** `GET /v1/events`: `type` with `*`, or up to 20 `types[]`, and `delivery_success`. */
export const eventResource: Resource = {
  type: 'event',
  path: 'events',
  prefix: 'evt_',
  readOnly: true,
  checks: checkListParams,
  filters: {
    type: (event, pattern) => matchesType(event, pattern),
    types: (event, types) => Array.isArray(types) && types.some((type) => type === event.type),
    // Stripe counts an event that is still under way as not delivered (Events.d.ts).
    delivery_success: (event, wanted) => (event.pending_webhooks === 0) === (wanted === true),
  },
};

function checkListParams(params: Record<string, unknown>): void {
  if (params.type !== undefined && params.types !== undefined) {
    throw badParameter('parameter_invalid', 'types', 'Pass type or types, not both.');
  }
  if (Array.isArray(params.types) && params.types.length > MAX_TYPES) {
    throw badParameter('parameter_invalid', 'types', `Pass at most ${MAX_TYPES} types.`);
  }
}

/** What an event is made of. `created` in seconds. */
export interface EventParts {
  id: string;
  type: string;
  created: number;
  account: string | null;
  object: Record<string, unknown>;
  previous: Record<string, unknown> | null;
  request: { id: string | null; idempotency_key: string | null };
  /** How many endpoints have yet to acknowledge it. */
  pending: 0 | 1;
}

/** The event object. Only an event of a connected account has the key `account`. */
export function buildEvent(parts: EventParts): StripeEvent {
  return {
    id: parts.id,
    object: 'event',
    ...(parts.account === null ? {} : { account: parts.account }),
    api_version: API_VERSION,
    created: parts.created,
    data: {
      object: parts.object,
      ...(parts.previous === null ? {} : { previous_attributes: parts.previous }),
    },
    livemode: false,
    pending_webhooks: parts.pending,
    request: parts.request,
    type: parts.type,
  };
}

function matchesType(event: StripeObject, pattern: unknown): boolean {
  const wanted = String(pattern)
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*');
  return new RegExp(`^${wanted}$`).test(event.type);
}
