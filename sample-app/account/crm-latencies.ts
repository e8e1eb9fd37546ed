import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import type { ChangeLog } from '../stripe/change-log';
import type { Latencies } from './latencies';

/** Where a record's rows stand in the CRM. */
const objects = {
  customer: ['Account', 'Contact'],
  subscription: ['Subscription__c'],
  invoice: ['Invoice__c'],
} as const;

/** From a change at Stripe to the call that tells the CRM of it, of a customer the second; in milliseconds. Deletions are no such calls. */
export function crmLatencies(org: FakeSalesforce, changes: ChangeLog['entries']): Latencies {
  const told = new Map<string, number[]>();
  for (const { at, path, body } of org.requests.all({ method: 'PATCH' })) {
    const time = at.getTime() - org.clock.offsetMs;
    const [object] = path.split('/').slice(-2);
    const { records = [] } = (body ?? {}) as { records?: { Stripe_Id__c?: string }[] };
    for (const { Stripe_Id__c: id = '' } of records) {
      const row = `${object} ${id}`;
      told.set(row, [...(told.get(row) ?? []), time]);
    }
  }
  const sorted = changes
    .flatMap(({ resource, id, at }) => {
      const first = objects[resource].flatMap((object) => {
        return told.get(`${object} ${id}`)?.find((time) => time >= at.getTime()) ?? [];
      });
      return first.length === 0 ? [] : [Math.max(...first) - at.getTime()];
    })
    .sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}
