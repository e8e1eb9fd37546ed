import { Inject, Injectable } from '@nestjs/common';
import { HydrationService, type Hydration } from '../hydrate/hydration.service.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { ListedBodyService } from '../inbox/listed-body.service.js';
import { DeleteCapService } from './delete-cap.service.js';
import type { RetryPolicy } from './mark.transitions.js';
import { deletedState, foundState, isGone, missingReadInMs, storedState } from './record-state.js';
import { allDead, givenBack, type Settlement } from './settlement.js';
import type { RecordState, Work } from './work.js';

/** How often deletions that are held back are looked at again. */
const DELETE_CAP_RETRY_MS = 60_000;

/** What reading its record has come to, for a pass. */
export type Reading =
  | { readonly outcome: 'known'; readonly state: RecordState; readonly fetched: boolean }
  | { readonly outcome: 'not-known'; readonly settlement: Settlement };

/** Finds out what a record is like now, or until when that cannot be found out. */
@Injectable()
export class ReadingService {
  constructor(
    private readonly hydration: HydrationService,
    private readonly deleteCap: DeleteCapService,
    private readonly listings: ListedBodyService,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** The state as stored: nobody wants the content, or it cannot be had. */
  unread(work: Work): Reading {
    return { outcome: 'known', state: storedState(work.record), fetched: false };
  }

  /**
   * The state as it was listed, if that is newer than anything that is known: requested after the last save, by a ticket that
   * says so, from a listing that does not lag behind by so much, and with no event beside it that may tell of something newer.
   */
  listed({ record, events }: Work): Reading | undefined {
    const [event] = events;
    if (events.length > 1 || !event || event.ticket === null || event.payload === null) return undefined;
    if (record.deleted || event.ticket <= record.ticket) return undefined;
    const { connector } = this.options.sources[record.key.source]!;
    const lagMs = (connector.listLagMs ?? 0) + this.options.fetchTimeoutMs;
    if (record.savedAt && event.receivedAt.getTime() - record.savedAt.getTime() < lagMs) return undefined;
    const found = this.hydration.found(record.key, JSON.parse(event.payload) as object);
    return { outcome: 'known', state: foundState(record, found), fetched: true };
  }

  /**
   * What was listed too long ago to be believed is fetched like anything else, when its turn comes: it was let through
   * without a token.
   */
  async outlisted(work: Work): Promise<Reading | undefined> {
    if (!work.events.every(({ ticket }) => ticket !== null)) return undefined;
    await this.listings.forget(work.events);
    return notKnown(givenBack(work, 'budget', 0));
  }

  /** A record whose last fetch has failed is not read before it is due again, whatever comes meanwhile. */
  heldBack(work: Work): Reading | undefined {
    const dueInMs = work.record.fetchDueInMs ?? 0;
    return dueInMs > 0
      ? notKnown(givenBack(work, work.events[0]!.waitReason ?? 'fetch-failed', dueInMs))
      : undefined;
  }

  /** One read through the API. */
  async read(work: Work, retry: RetryPolicy): Promise<Reading> {
    const { record } = work;
    const hydration = await this.hydration.hydrate(record.key);
    switch (hydration.outcome) {
      case 'found':
        return { outcome: 'known', state: foundState(record, hydration), fetched: true };
      case 'missing':
        return this.missing(work, hydration);
      case 'failed':
        return notKnown(this.failed(work, hydration, retry));
    }
  }

  private async missing(work: Work, missing: { stated: boolean }): Promise<Reading> {
    const { record, events } = work;
    const { missingConfirmMs } = this.options;
    if (!isGone(record, missing, events, missingConfirmMs)) {
      const inMs = missingReadInMs(record, missingConfirmMs);
      return notKnown(givenBack(work, 'missing-confirm', inMs, { fetch: { outcome: 'missing' } }));
    }
    const announced = missing.stated || record.deleted || events.some(({ deletion }) => deletion);
    const state = deletedState(record);
    if (!announced && !(await this.deleteCap.save(record, state))) {
      return notKnown(givenBack(work, 'delete-cap', DELETE_CAP_RETRY_MS, { fetch: { outcome: 'missing' } }));
    }
    return { outcome: 'known', state, fetched: true };
  }

  private failed(work: Work, failed: Hydration & { outcome: 'failed' }, retry: RetryPolicy): Settlement {
    const { record } = work;
    const { failure, message: error, pausedMs } = failed;
    if (failure === 'rate-limited')
      return givenBack(work, 'rate-limited', pausedMs * (1 + this.clock.random() / 10), { error });

    // An outage is no record's fault: a failure counts only if the connection has answered someone since the last.
    const sinceLastFailureMs = record.fetchFailedAgoMs ?? Infinity;
    const counts = failure === 'rejected' || this.hydration.lastSuccessAgoMs(record.key) < sinceLastFailureMs;
    const failures = record.fetchFailures + (counts ? 1 : 0);
    if (counts && failures >= retry.maxAttempts) return allDead(work, 'hydrate', null, error);
    const dueInMs = retry.backoffMs(Math.max(failures, 1));
    const fetch = { outcome: 'failed', counts, dueInMs } as const;
    return givenBack(work, counts ? 'fetch-failed' : 'provider-unavailable', dueInMs, { error, fetch });
  }
}

function notKnown(settlement: Settlement): Reading {
  return { outcome: 'not-known', settlement };
}
