import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import type { ChangeLog } from '../stripe/change-log';
import type { Latencies } from './latencies';

/** From a change at Stripe to the call that tells the CRM of it, in milliseconds. */
export function crmLatencies(org: FakeSalesforce, changes: ChangeLog['entries']): Latencies {
  const told = new Map<string, number[]>();
  for (const { at, body } of org.requests.all({ method: 'PATCH' })) {
    const time = at.getTime() - org.clock.offsetMs;
    const { records = [] } = (body ?? {}) as { records?: { Stripe_Id__c?: string }[] };
    for (const { Stripe_Id__c: id = '' } of records) told.set(id, [...(told.get(id) ?? []), time]);
  }
  const sorted = changes
    .flatMap(({ id, at }) => {
      const first = told.get(id)?.find((time) => time >= at.getTime());
      return first === undefined ? [] : [first - at.getTime()];
    })
    .sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}
