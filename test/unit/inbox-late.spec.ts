import { IdempotencyService } from '../../lib/inbox/idempotency.service.js';
import { InboxUnavailableError } from '../../lib/inbox/inbox.errors.js';
import { InboxService } from '../../lib/inbox/inbox.service.js';
import type { InboxRow } from '../../lib/inbox/inbox-row.js';
import type { SyncDatabase } from '../../lib/database/sync.database.js';
import type { ResolvedSyncOptions } from '../../lib/sync.options.js';

const ACCEPT_TIMEOUT_MS = 300;

describe('the inbox, in a process that is too busy for its timers', () => {
  /** Inserts under way: they end when the test says so. */
  let inserts: (() => void)[];
  let inbox: InboxService;

  beforeEach(() => {
    inserts = [];
    const database = {
      tables: { event: 'sync_event' },
      now: 'now()',
      dialect: { hasArrays: true },
      store: () => new Promise<void>((resolve) => inserts.push(resolve)),
    } as unknown as SyncDatabase;
    const options = { inboxQueueLimit: 10, acceptTimeoutMs: ACCEPT_TIMEOUT_MS } as ResolvedSyncOptions;
    inbox = new InboxService(database, new IdempotencyService(), options);
  });

  const accept = (n: number) =>
    inbox.accept([{ dedupeKey: Buffer.from([n]), record: {}, payload: null } as unknown as InboxRow]);

  /** Nothing else is done meanwhile. */
  function beBusy(): void {
    const until = performance.now() + 2 * ACCEPT_TIMEOUT_MS;
    while (performance.now() < until);
  }

  it('does not store what has waited for too long', async () => {
    const first = accept(1);
    const second = accept(2).catch((error: unknown) => error);
    beBusy();
    inserts[0]!();
    await first;
    expect(await second).toBeInstanceOf(InboxUnavailableError);
    expect(inserts).toHaveLength(1);
  });

  it('takes nothing that may have waited for too long before it was read', async () => {
    expect(inbox.isClosed).toBe(false);
    beBusy();
    expect(inbox.isClosed).toBe(true);
    await expect(accept(1)).rejects.toBeInstanceOf(InboxUnavailableError);
    await new Promise((resolve) => setImmediate(resolve));
    expect(inbox.isClosed).toBe(false);
    const taken = accept(2);
    inserts[0]!();
    await taken;
  });
});
