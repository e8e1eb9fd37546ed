import type { RunReport } from 'nestjs-hybrid-sync';
import type { ChaosReport } from '../drive/chaos';
import type { Comparison } from '../drive/comparison';
import { HELD_BACK_MS } from '../stripe/stripe-account';
import type { Account } from './account';

/** The account as a block that fits any terminal. */
export function accountBlock(account: Account): string[] {
  const { changes, calls, delivered, duplicates, events } = account;
  return [
    line('changes at Stripe', changes),
    line('webhooks delivered', delivered, `${number(duplicates)} of them for the second time: ignored`),
    line('events', total(events), statesOf(events)),
    line(
      'change to applied',
      '',
      `${latenciesOf(account.latencies)}; webhooks are held back by 0 to ${HELD_BACK_MS} ms`,
    ),
    ...(account.crm
      ? [
          line(
            'change to CRM',
            '',
            `${latenciesOf(account.crm.latencies)}, by ${number(account.crm.calls)} calls`,
          ),
        ]
      : []),
    line(
      'API calls',
      calls,
      `${per(calls, changes)} for each change, ${per(calls, handled(events))} for each event handled`,
    ),
  ];
}

/** The same in one line. */
export function accountLine(account: Account): string {
  const { changes, calls, delivered, duplicates, events } = account;
  const webhooks = `${number(delivered)} webhooks (${number(duplicates)} twice)`;
  return `${number(changes)} changes, ${webhooks}, events ${statesOf(events)}; ${latenciesOf(account.latencies)}; ${number(calls)} API calls`;
}

/** The account of a Stripe that says nothing of itself. */
export function inboxLine({ events }: Account): string {
  return `events: ${statesOf(events)}`;
}

/** What the comparison has found, the differences first. */
export function verdict({ equal, differences, rows }: Comparison): string[] {
  const tables = Object.entries(equal).map(
    ([table, count]) =>
      `${number(count)} ${table}${table === 'mails' ? ' (one for each failed payment)' : ''}`,
  );
  if (differences.length === 0) return [`all ${number(rows)} rows equal to Stripe's: ${tables.join(', ')}`];
  const shown = differences.slice(0, 20).map((difference) => `  ${difference}`);
  return [...shown, `${number(differences.length)} ROWS DIFFER FROM STRIPE'S, ${number(rows)} are equal`];
}

/** What has gone wrong, and what became of it. */
export function chaosLines({ dropped, outage, polled, reconciliations }: ChaosReport): string[] {
  const shown = polled.slice(0, 10).map((event) => `  ${event}`);
  const more = polled.length > shown.length ? [`  and ${number(polled.length - shown.length)} more`] : [];
  const away = outage ? ", and Stripe's API was away for a while" : '';
  return [
    `${number(dropped)} webhooks were lost${away}. Polling has brought ${number(polled.length)} events:`,
    ...shown,
    ...more,
    ...reconciliations.map(
      (run) => `a reconciliation of ${run.source} after that has found ${findingsOf(run) || 'nothing'}`,
    ),
  ];
}

function findingsOf({ findings }: RunReport): string {
  return Object.entries(findings)
    .map(([resource, { missing, stale, gone, local }]) => {
      const counts = `${number(missing)} missing, ${number(stale)} stale, ${number(gone)} gone`;
      return `${resource}: ${counts}, ${number(local)} changed here`;
    })
    .join('; ');
}

const STATES = ['waiting', 'completed', 'skipped', 'dead'];

function statesOf(events: Account['events']): string {
  return STATES.map((state) => `${number(events[state] ?? 0)} ${state}`).join(', ');
}

function latenciesOf({ p50, p99 }: Account['latencies']): string {
  if (p50 === null || p99 === null) return 'p50 -, p99 -';
  return `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms`;
}

function per(calls: number, things: number): string {
  return things === 0 ? '-' : (calls / things).toFixed(2);
}

/** Events that wait may cost a call or none. */
function handled({ completed = 0, dead = 0 }: Account['events']): number {
  return completed + dead;
}

function total(counts: Account['events']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function line(label: string, count: number | string, remark = ''): string {
  const shown = typeof count === 'number' ? number(count) : count;
  return `  ${label.padEnd(20)}${shown.padStart(7)}   ${remark}`.trimEnd();
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
