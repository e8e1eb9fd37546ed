import type { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { SyncEventEntity, type RunReport, type SyncService } from 'nestjs-hybrid-sync';
import type { DataSource } from 'typeorm';

const DROP_RATE = 0.1;

/** Which part of the drive Stripe's API is away for. */
const OUTAGE_FROM = 0.3;
const OUTAGE_TO = 0.5;

/** What has gone wrong in a drive, and how that was put right. */
export interface ChaosReport {
  readonly dropped: number;
  /** Events that polling has brought, since no webhook did: `customer.updated of cus_1`. */
  readonly polled: readonly string[];
  /** What a reconciliation has found after that. */
  readonly reconciliation: RunReport;
}

/** @param share how much of the drive is over, from 0 to 1 */
export function makeTrouble(fake: FakeStripe, share: number): void {
  fake.faults.dropRate = DROP_RATE;
  fake.faults.outage = share >= OUTAGE_FROM && share < OUTAGE_TO;
}

/** After the trouble: reads Stripe's log once more, and compares everything. */
export async function recover(sync: SyncService): Promise<RunReport> {
  await sync.poll({ source: 'stripe' });
  await sync.idle();
  const run = await sync.reconcile({ source: 'stripe' });
  return run.done();
}

export async function chaosReport(
  fake: FakeStripe,
  dataSource: DataSource,
  reconciliation: RunReport,
): Promise<ChaosReport> {
  const polled = await dataSource
    .getRepository(SyncEventEntity)
    .find({ where: { source: 'stripe', origin: 'poll' }, order: { id: 'ASC' } });
  return {
    dropped: fake.deliveries.count({ outcome: 'dropped' }),
    polled: polled.map(({ type, recordId }) => `${type} of ${recordId}`),
    reconciliation,
  };
}
