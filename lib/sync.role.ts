import type { SyncModuleExtras, SyncRole, WebhookReception } from './sync.options.js';
import { resolveWebhooks } from './sync.webhooks.check.js';

export const SYNC_ROLES: readonly SyncRole[] = ['all', 'ingest', 'worker', 'none'];

/** What this process does of it all. Token and type of one name. */
export abstract class ProcessDuties {
  abstract readonly role: SyncRole;
  /** Where it takes deliveries; null: it has no webhook controller. */
  abstract readonly webhookPath: string | null;
  /** What the host puts on it. */
  abstract readonly webhookDecorators: readonly ClassDecorator[];
  /** Who takes them from the network. */
  abstract readonly webhookReception: WebhookReception;
  /** It looks for due records, and calls handlers. */
  abstract readonly runsPasses: boolean;
}

export function dutiesOf({ role = 'all', webhooks }: SyncModuleExtras): ProcessDuties {
  const listens = webhooks !== false && (role === 'all' || role === 'ingest');
  const { path, decorators, receive } = resolveWebhooks(webhooks);
  return {
    role,
    webhookPath: listens ? path : null,
    webhookDecorators: decorators,
    webhookReception: receive,
    runsPasses: role === 'all' || role === 'worker',
  };
}
