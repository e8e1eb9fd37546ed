import { Injectable } from '@nestjs/common';
import { SyncTargets } from './handlers/targets/sync-targets.js';
import type { Answer } from './ingest/webhook/webhook.door.js';
import { SyncDisabledError } from './sync.errors.js';
import type { SyncService } from './sync.service.js';

/** Long enough for a deploy that sets it right. */
const RETRY_AFTER_SECONDS = 60;

/** `SyncService` with `enabled: false`: needs nothing, does nothing, and claims nothing that is not so. */
@Injectable()
export class DisabledSyncService implements Pick<SyncService, keyof SyncService> {
  /** Nothing is stored, so the sender is to come again: 503, `disabled`. */
  receive(): Promise<Answer> {
    return Promise.resolve({ status: 503, reason: 'disabled', retryAfterSeconds: RETRY_AFTER_SECONDS });
  }

  backfill(): Promise<never> {
    return Promise.reject(new SyncDisabledError('backfill'));
  }

  reconcile(): Promise<never> {
    return Promise.reject(new SyncDisabledError('reconcile'));
  }

  project(): Promise<never> {
    return Promise.reject(new SyncDisabledError('project'));
  }

  run(): never {
    throw new SyncDisabledError('run');
  }

  poll(): Promise<never> {
    return Promise.reject(new SyncDisabledError('poll'));
  }

  replay(): Promise<never> {
    return Promise.reject(new SyncDisabledError('replay'));
  }

  status(): Promise<never> {
    return Promise.reject(new SyncDisabledError('status'));
  }

  explain(): Promise<never> {
    return Promise.reject(new SyncDisabledError('explain'));
  }

  pause(): Promise<never> {
    return Promise.reject(new SyncDisabledError('pause'));
  }

  resume(): Promise<never> {
    return Promise.reject(new SyncDisabledError('resume'));
  }

  erase(): Promise<never> {
    return Promise.reject(new SyncDisabledError('erase'));
  }

  adopt(): Promise<never> {
    return Promise.reject(new SyncDisabledError('adopt'));
  }

  /** Nothing is due here, and nothing runs. */
  idle(): Promise<void> {
    return Promise.resolve();
  }
}

/** `SyncTargets` with `enabled: false`. */
@Injectable()
export class DisabledSyncTargets extends SyncTargets {
  save(): Promise<never> {
    return Promise.reject(new SyncDisabledError('save', 'SyncTargets'));
  }

  delete(): Promise<never> {
    return Promise.reject(new SyncDisabledError('delete', 'SyncTargets'));
  }
}
