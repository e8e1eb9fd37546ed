import { WEBHOOK_DEFAULTS, type SyncModuleExtras, type SyncRole } from './sync.options.js';

export const SYNC_ROLES: readonly SyncRole[] = ['all', 'ingest', 'worker', 'none'];

/** What this process does of it all. Token and type of one name. */
export abstract class ProcessDuties {
  abstract readonly role: SyncRole;
  /** Where it takes deliveries; null: it has no webhook controller. */
  abstract readonly webhookPath: string | null;
  /** It looks for due records, and calls handlers. */
  abstract readonly runsPasses: boolean;
}

export function dutiesOf({ role = 'all', webhooks }: SyncModuleExtras): ProcessDuties {
  const listens = webhooks !== false && (role === 'all' || role === 'ingest');
  return {
    role,
    webhookPath: listens ? (webhooks?.path ?? WEBHOOK_DEFAULTS.path) : null,
    runsPasses: role === 'all' || role === 'worker',
  };
}
