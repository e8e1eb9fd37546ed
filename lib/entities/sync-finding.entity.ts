import { EntitySchema } from 'typeorm';
import type { FindingCause, FindingKind } from '../model/run.js';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, key, named, optional } from './columns.js';

/** A record that a reconciliation has seen, and what it has found of it. */
export class SyncFindingEntity {
  runId!: string;

  recordKey!: Buffer;

  resource!: string;

  recordId!: string;

  kind!: FindingKind | 'listed';

  /**
   * A listing only says where to look: what the record's own read has not confirmed is no finding. `listed`: all is well as
   * far as the listing tells; `read`: a dry run's own read says what the listing said.
   */
  state!: 'listed' | 'candidate' | 'read' | 'confirmed' | 'refuted';

  /** The record's version when it was found. */
  version!: number;

  cause!: FindingCause | null;

  /** Since when it has differed, as far as that is known. */
  since!: Date | null;

  repaired!: boolean;
}

export function findingSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncFindingEntity> {
  const { digest, reference, text, time, flag, count } = columnsFor(database);
  return new EntitySchema<SyncFindingEntity>({
    name: SyncFindingEntity.name,
    target: SyncFindingEntity,
    tableName: 'sync_finding',
    columns: named({
      runId: key(reference('run_id'), `${prefix}PK_sync_finding`),
      recordKey: key(digest('record_key'), `${prefix}PK_sync_finding`),
      resource: text(255),
      recordId: text(255, 'record_id'),
      kind: text(16),
      state: { ...text(16), default: 'candidate' },
      version: count(),
      cause: optional(text(32)),
      since: optional(time('since')),
      repaired: { ...flag(), default: false },
    }),
  });
}
