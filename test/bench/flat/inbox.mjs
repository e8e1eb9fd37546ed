/** An application with one handler, in a process of its own: its inbox is filled, worked off, asked and pruned when it is told to. */
import 'reflect-metadata';
import { createHash, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OnSyncEvent, SyncModule, SyncService } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { SyncDatabase } from '../../../dist/esm/database/sync.database.js';
import { PruneScheduler } from '../../../dist/esm/dispatch/prune.scheduler.js';
import { IdempotencyService } from '../../../dist/esm/inbox/idempotency.service.js';
import { InboxService } from '../../../dist/esm/inbox/inbox.service.js';
import { OverdueEventsService } from '../../../dist/esm/inbox/overdue-events.service.js';
import { WaitingEventsService } from '../../../dist/esm/inbox/waiting-events.service.js';
import { LeaseService } from '../../../dist/esm/process/lease.service.js';
import { answer } from '../child.mjs';
import { decorate } from '../decorate.mjs';
import { idStart } from '../events.mjs';

/** Not while this runs. */
const NEVER_MS = 2 ** 30;
const MB = 1_048_576;
const ACCEPTS_AT_ONCE = 64;
const BODY = JSON.stringify({
  id: 'evt_bench',
  data: { object: { id: 'in_bench' } },
  padding: 'x'.repeat(2_600),
});

let app;
let handled = 0;
let prepared = [];

const Billing = decorate(
  class Billing {
    save() {
      handled += 1;
    }
  },
  [Injectable()],
  { save: { with: [OnSyncEvent('stripe', 'invoice.*', { name: 'Billing.save', hydrate: false })] } },
);

const the = (token) => app.get(token, { strict: false });

answer({
  async boot({ databaseUrl, sweepEveryMs = NEVER_MS }) {
    const connections = { acct_small: {}, acct_tiny: {} };
    const source = stripe({
      apiKey: 'sk_test_bench',
      webhookSecrets: ['whsec_bench'],
      mode: 'webhook',
      start: 'log',
      connections,
    });
    const Root = decorate(class Root {}, [
      Module({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, poolSize: 12, autoLoadEntities: true }),
          SyncModule.forRoot({ sources: { stripe: source }, sweepEveryMs }),
        ],
        providers: [Billing],
      }),
    ]);
    app = await NestFactory.createApplicationContext(Root, { logger: ['error', 'fatal', 'warn'] });
  },

  /** Makes so many events for `accept`: what that takes is nobody's time. */
  prepare(count) {
    const idempotency = the(IdempotencyService);
    const batch = idStart() + randomBytes(8).toString('hex');
    prepared = Array.from({ length: count }, (_, i) => {
      const recordId = `in_${idStart()}${createHash('md5').update(`${batch} ${i}`).digest('hex')}`;
      const event = {
        eventId: `evt_${batch}${i}`,
        type: 'invoice.paid',
        connectionId: 'default',
        resource: 'invoice',
        recordId,
      };
      return idempotency.loggedRow(
        'stripe',
        { ...event, occurredAt: new Date(), deletion: false, payload: BODY },
        'webhook',
      );
    });
  },

  /** Stores them, by as many at once as an endpoint has connections. */
  async accept() {
    const [inbox, rows] = [the(InboxService), prepared];
    let next = 0;
    const startedAt = performance.now();
    const one = async () => {
      for (let row = rows[next++]; row; row = rows[next++]) await inbox.accept([row]);
    };
    await Promise.all(Array.from({ length: ACCEPTS_AT_ONCE }, one));
    return performance.now() - startedAt;
  },

  /** Until nothing is due any more. What is accepted above is announced to nobody. */
  async run() {
    const startedAt = performance.now();
    await the(SyncService).idle();
    return performance.now() - startedAt;
  },

  /** How many have been handled so far. */
  handled: () => handled,

  /** What is in use, in MB, when all else is collected. */
  memory() {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / MB;
  },

  /** By what is asked: the milliseconds of its slowest statement, the median of five times. */
  async times() {
    const [waiting, overdue, leases] = [
      the(WaitingEventsService),
      the(OverdueEventsService),
      the(LeaseService),
    ];
    const due = await waiting.due(1_000);
    const keys = due.records.slice(0, 100).map(({ recordKey }) => recordKey);
    const asked = {
      'sweep: due': () => waiting.due(1_000),
      'look at 100 ended passes': () => waiting.dueAmong(keys),
      'anything due': () => waiting.anyDue(),
      stuck: () => overdue.stuck(),
      'held back': () => overdue.heldBack(),
      'claim of 100': async () => {
        for (const { record } of await leases.claim(keys)) {
          leases.letGo(record);
          await leases.release(record);
        }
      },
      'status()': () => the(SyncService).status(),
    };
    const times = {};
    for (const [name, ask] of Object.entries(asked)) times[name] = await slowestOf(ask);
    return times;
  },

  /** Begins to prune, and does not wait for its end. */
  prune() {
    void the(PruneScheduler).prune();
  },

  close: () => app.close(),
});

async function slowestOf(ask) {
  const database = the(SyncDatabase);
  const slowest = [];
  for (let i = 0; i < 5; i++) {
    slowest.push(0);
    // What is only there to undo it is not asked by the module.
    database.query = async (sql, params) => {
      const startedAt = performance.now();
      const rows = await Object.getPrototypeOf(database).query.call(database, sql, params);
      if (!sql.includes('lease_token = NULL'))
        slowest[i] = Math.max(slowest[i], performance.now() - startedAt);
      return rows;
    };
    try {
      await ask();
    } finally {
      delete database.query;
    }
  }
  return slowest;
}
