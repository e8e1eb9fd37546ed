import { jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnSyncEvent } from 'nestjs-hybrid-sync';
import { SyncDatabase, type Query } from '../../lib/database/sync.database.js';
import { EventRetentionService } from '../../lib/inbox/event-retention.service.js';
import { OverdueEventsService } from '../../lib/inbox/overdue-events.service.js';
import { decideLateStatements, settleEventsStatements } from '../../lib/inbox/settle.statement.js';
import { ReplayService } from '../../lib/inbox/replay.service.js';
import { WaitingEventsService } from '../../lib/inbox/waiting-events.service.js';
import { LeaseService } from '../../lib/process/lease.service.js';
import { UnhandledService } from '../../lib/process/unhandled.service.js';
import { FindingService, type Candidate } from '../../lib/ingest/runs/finding.service.js';
import type { Run } from '../../lib/ingest/runs/run.js';
import { VerdictService } from '../../lib/ingest/runs/verdict.service.js';
import { startHost, type Host } from '../support/host.js';
import { fillLargeInbox } from '../support/large-inbox.js';
import { describeOn } from '../support/only-on.js';

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'invoice.*', { hydrate: false })
  save() {}
}

interface Asked {
  readonly sql: string;
  readonly params: readonly unknown[];
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Plan[];
}

const TABLES = ['sync_event', 'sync_record'];

/** Never, as far as a test goes: it asks by itself. */
const NEVER_MS = 2 ** 30;

const describeOnPostgres = describeOn('postgres', 'the plans are its own');

describeOnPostgres.each(['now', 'before there was a backlog'] as const)(
  'of a large inbox is read, by statistics of how it was %s:',
  (statistics) => {
    let host: Host;
    /** The indexes of the tables that grow. */
    const indexes = new Map<string, { table: string; name: string }>();

    beforeAll(async () => {
      host = await startHost({ providers: [Billing], sync: { sweepEveryMs: NEVER_MS } });
      await fillLargeInbox(host, statistics);
      const rows = await host.sql<{ name: string; table: string }>(
        `SELECT indexname AS name, tablename AS table FROM pg_indexes WHERE tablename IN ('sync_event', 'sync_record')`,
      );
      for (const { name, table } of rows)
        indexes.set(name, { table, name: name.startsWith('PK_') ? `primary key of ${table}` : name });
    });
    afterAll(() => host?.close());

    const the = <T>(token: abstract new (...given: never[]) => T): T =>
      host.app.get(token, { strict: false });

    /** What it makes the module say to its database, in transactions too, as it is said. */
    async function askedBy(ask: () => Promise<unknown>): Promise<Asked[]> {
      const database = the(SyncDatabase);
      const asked: Asked[] = [];
      const hearing = (query: Query): Query => {
        return (sql, params = []) => {
          asked.push({ sql, params });
          return query(sql, params);
        };
      };
      const [query, transaction] = [database.query.bind(database), database.transaction.bind(database)];
      jest.spyOn(database, 'query').mockImplementation(hearing(query));
      jest
        .spyOn(database, 'transaction')
        .mockImplementation((work) => transaction((each) => work(hearing(each))));
      try {
        await ask();
        return asked;
      } finally {
        jest.restoreAllMocks();
      }
    }

    /** By which indexes of large tables the server answers. Fails for one that it reads as a whole. */
    async function indexesOf({ sql, params }: Asked, tables: string[]): Promise<string[]> {
      const [row] = await host.dataSource.query<{ 'QUERY PLAN': { Plan: Plan }[] }[]>(
        // Without values, as of a statement that is prepared.
        `EXPLAIN (${params.length === 0 ? 'GENERIC_PLAN, ' : ''}FORMAT JSON) ${sql}`,
        [...params],
      );
      const nodes = nodesOf(row!['QUERY PLAN'][0]!.Plan);
      const whole = nodes
        .filter((node) => node['Node Type'] === 'Seq Scan')
        .map((node) => node['Relation Name']!);
      expect({ sql, whole: whole.filter((table) => tables.includes(table)) }).toEqual({ sql, whole: [] });
      const used = nodes.flatMap((node) => indexes.get(node['Index Name'] ?? '') ?? []);
      return used.filter(({ table }) => tables.includes(table)).map(({ name }) => name);
    }

    async function usedBy(ask: () => Promise<unknown>, tables = TABLES): Promise<string[]> {
      const asked = await askedBy(ask);
      expect(asked.length).toBeGreaterThan(0);
      const used: string[] = [];
      for (const each of asked) used.push(...(await indexesOf(each, tables)));
      return [...new Set(used)].sort();
    }

    const due = async () =>
      (await the(WaitingEventsService).due(1_000)).records.map(({ recordKey }) => recordKey);

    it('no more than the waiting events: what is due', async () => {
      // A thousand records of so few are read faster with all the others.
      expect(await usedBy(due, ['sync_event'])).toEqual(['IX_sync_event_due']);
      expect(await usedBy(() => the(WaitingEventsService).anyDue())).toEqual(['IX_sync_event_due']);
      const keys = (await due()).slice(0, 100);
      expect(await usedBy(() => the(WaitingEventsService).dueAmong(keys))).toEqual(['IX_sync_event_record']);
    });

    it('no more than the waiting events: what is put off', async () => {
      const keys = (await due()).slice(-100);
      const postpone = () => the(WaitingEventsService).postpone(keys, 'budget', 60_000, 10);
      expect(await usedBy(postpone)).toEqual(['IX_sync_event_record']);
    });

    it('no more than those that wait for too long', async () => {
      const overdue = the(OverdueEventsService);
      const both = ['IX_sync_event_due', 'IX_sync_event_held'];
      expect(await overdue.stuck()).toHaveLength(3);
      expect(await usedBy(() => overdue.stuck())).toEqual(both);
      expect(await overdue.heldBack()).toHaveLength(3);
      expect(await usedBy(() => overdue.heldBack())).toEqual(['IX_sync_event_held']);
    });

    it('no more than what a pass needs: a claim, and what it releases', async () => {
      const leases = the(LeaseService);
      const keys = (await due()).slice(0, 100);
      const claim = async () => {
        const claimed = await leases.claim(keys);
        expect(claimed).toHaveLength(100);
        await leases.renewHeld();
        for (const { record } of claimed) {
          leases.letGo(record);
          await leases.release(record);
        }
      };
      expect(await usedBy(claim)).toEqual(['IX_sync_event_record', 'primary key of sync_record']);
    });

    it('no more than is told: the status', async () => {
      expect(await usedBy(() => host.sync.status())).toEqual([
        'IX_sync_event_dead',
        'IX_sync_event_due',
        'primary key of sync_event',
      ]);
    });

    it('no more than a step at a time: what is old', async () => {
      const prune = async () => {
        for await (const _ of the(EventRetentionService).steps());
      };
      expect(await usedBy(prune)).toEqual(['primary key of sync_event']);
    });

    it('no more than a step at a time: what is replayed, and what is erased', async () => {
      const [record, event] = ['primary key of sync_record', 'primary key of sync_event'];
      const settled = { source: 'stripe', resource: 'invoice', id: 'settled7' };
      expect(await usedBy(() => host.sync.erase(settled))).toEqual(['IX_sync_event_record', event, record]);
      expect(await usedBy(() => the(ReplayService).replay({ recordId: 'settled8' }))).toEqual([
        event,
        record,
      ]);
      expect(await usedBy(() => the(ReplayService).replay({ eventId: 'evt_1' }))).toEqual([
        'UQ_sync_event_dedupe',
      ]);
      const dead = await usedBy(() => the(ReplayService).replay({ state: 'dead', type: 'none' }));
      expect(dead).toEqual(['IX_sync_event_dead', event]);
    });

    it('no more than a step at a time: what a reconciliation asks of records and their events', async () => {
      const [record, event] = ['primary key of sync_record', 'IX_sync_event_record'];
      const run = {
        id: '1',
        kind: 'reconcile',
        source: 'stripe',
        connectionId: 'acct_1',
        request: { dryRun: false },
        startedAt: new Date(),
      } as unknown as Run;
      const findings = the(FindingService);
      let counted = { known: 0, unlisted: 0 };
      const count = async () => {
        for await (const { known, unlisted } of findings.countUnlisted(run, 'invoice'))
          counted = { known: counted.known + known, unlisted: counted.unlisted + unlisted };
      };
      expect(await usedBy(count)).toEqual([record]);
      let unlisted = 0;
      const note = async () => {
        for await (const some of findings.unlisted(run, 'invoice')) {
          unlisted += some.length;
          const candidates = some.slice(0, 10).map((each): Candidate => ({ ...each, kind: 'gone' }));
          await the(SyncDatabase).transaction((query) => findings.noteCandidates(query, run.id, candidates));
        }
      };
      expect(await usedBy(note)).toEqual([record]);
      const [records] = await host.sql(
        `SELECT COUNT(*)::int AS n FROM sync_record WHERE connection_id = 'acct_1'`,
      );
      expect([counted.known, counted.unlisted, unlisted]).toEqual(Array(3).fill(records!.n));
      const decide = async () => {
        for await (const _ of the(VerdictService).decide(run, new Date()));
      };
      expect(await usedBy(decide)).toEqual([event, record]);
    });

    it('no more than the events themselves: what is settled', async () => {
      const database = the(SyncDatabase);
      const settled = (ids: string[]) =>
        settleEventsStatements(
          database,
          ids.map((id) => ({ id, late: false, state: 'completed', succeededBy: ['Billing.save'] })),
          false,
        );
      const decided = decideLateStatements(database, [{ id: '1', late: true }]);
      for (const { sql } of [...settled(['1']), ...settled(['1', '2']), ...decided])
        expect(await indexesOf({ sql, params: [] }, ['sync_event'])).toEqual(['primary key of sync_event']);
    });

    it('no more than what nobody has handled', async () => {
      expect(await usedBy(() => the(UnhandledService).reopen())).toEqual(['IX_sync_event_unhandled']);
    });
  },
);

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
