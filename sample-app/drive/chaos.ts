import type { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { SyncEventEntity, type RunReport, type SyncService } from 'nestjs-hybrid-sync';
import type { DataSource } from 'typeorm';

/** What goes wrong in a drive. */
export interface Trouble {
  /** Webhooks that never come: a chance from 0 to 1. */
  readonly dropRate: number;
  /** Which part of the drive Stripe's API is away for: `[0.3, 0.5]`. @default none */
  readonly outage?: readonly [from: number, to: number];
}

/** What has gone wrong in a drive, and how that was put right. */
export interface ChaosReport {
  readonly dropped: number;
  /** Whether Stripe's API was away. */
  readonly outage: boolean;
  /** Events that polling has brought, since no webhook did: `customer.updated of cus_1`. */
  readonly polled: readonly string[];
  /** What reconciliations of both sides have found after that. */
  readonly reconciliations: readonly RunReport[];
}

/** @param share how much of the drive is over, from 0 to 1 */
export function makeTrouble(fake: FakeStripe, { dropRate, outage }: Trouble, share: number): void {
  fake.faults.dropRate = dropRate;
  fake.faults.outage = outage !== undefined && share >= outage[0] && share < outage[1];
}

/** After the trouble: reads Stripe's log once more, and compares everything on both sides. */
export async function recover(sync: SyncService): Promise<RunReport[]> {
  await sync.poll({ source: 'stripe' });
  await sync.idle();
  const runs = [await sync.reconcile({ source: 'stripe' }), await sync.reconcile({ source: 'crm' })];
  return Promise.all(runs.map((run) => run.done()));
}

export async function chaosReport(
  fake: FakeStripe,
  dataSource: DataSource,
  { outage }: Trouble,
  reconciliations: readonly RunReport[],
): Promise<ChaosReport> {
  const polled = await dataSource
    .getRepository(SyncEventEntity)
    .find({ where: { source: 'stripe', origin: 'poll' }, order: { id: 'ASC' } });
  return {
    dropped: fake.deliveries.count({ outcome: 'dropped' }),
    outage: outage !== undefined,
    polled: polled.map(({ type, recordId }) => `${type} of ${recordId}`),
    reconciliations,
  };
}
