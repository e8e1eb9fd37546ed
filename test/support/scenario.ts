import { randomBytes, randomUUID } from 'node:crypto';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { Column, Entity, PrimaryGeneratedColumn, type DataSource, type EntityManager } from 'typeorm';
import { SyncEventEntity, type OpenTransaction } from 'nestjs-hybrid-sync';
import { Dispatcher } from '../../lib/dispatch/dispatcher.js';
import { FencedTransaction } from '../../lib/process/fenced-transaction.js';
import { SyncClock } from '../../lib/sync.clock.js';
import { databaseKind } from './database.js';
import type { Host, HostOptions } from './host.js';
import { until } from './host.js';
import { idleInTransaction, killSession } from './sessions.js';

/** A write of a handler's, through the manager that it was given. */
@Entity({ name: 'effect' })
export class Effect {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  handler!: string;

  @Column('text')
  subject!: string;
}

export async function write(manager: EntityManager, handler: string, subject: string | null): Promise<void> {
  await manager.insert(Effect, { handler, subject: subject ?? 'none' });
}

/** What handlers have written, in the order in which they wrote it: `handler subject`. */
export async function effects(host: Host): Promise<string[]> {
  const rows = await host.dataSource.getRepository(Effect).find({ order: { id: 'ASC' } });
  return rows.map(({ handler, subject }) => `${handler} ${subject}`);
}

/** Back-offs of milliseconds, and nothing too old. */
export const quick = {
  entities: [Effect],
  source: { start: 'log', backoffMs: () => 20 },
  sync: { sweepEveryMs: 20 },
} satisfies HostOptions;

/** With TypeORM alone, opened by the host itself. */
export function plainly(dataSource: DataSource): OpenTransaction {
  return (work, { isolationLevel }) => dataSource.transaction(isolationLevel, work);
}

/** Who opens the transactions of handlers: it must make no difference. On SQLite only the module can. */
export const openers: [by: string, transaction: HostOptions['transaction']][] = [
  ['by the module', undefined],
  ...(databaseKind === 'sqlite' ? [] : [['by the host', plainly] as [string, typeof plainly]]),
];

export interface Sent {
  type?: string;
  id?: string;
  /** Seconds since the epoch, by the provider's clock. */
  created?: number;
}

/** Delivers an event about an object, with the id and time that the test wants. @returns the event's id */
export async function send(
  host: Host,
  object: { object: string; id?: string },
  { type = `${object.object}.updated`, id = `evt_${randomBytes(8).toString('hex')}`, created }: Sent = {},
): Promise<string> {
  const seconds = created ?? Math.floor(Date.now() / 1000);
  const payload = { id, object: 'event', type, created: seconds, livemode: false, data: { object } };
  const secret = host.stripe.webhookSecret;
  const answer = await host.sync.receive('stripe', signedDelivery({ payload, secret }));
  if (answer.status !== 200) throw new Error(`the delivery was answered ${answer.status} ${answer.reason}`);
  return id;
}

/**
 * Events that are there without anyone having been told: as the one with that id, but for what `as` says of the n-th;
 * each a millisecond after the one before.
 */
export async function store(
  host: Host,
  about: string,
  {
    count = 1,
    as = () => ({}),
    manager = host.dataSource.manager,
  }: { count?: number; as?: (n: number) => Partial<SyncEventEntity>; manager?: EntityManager } = {},
): Promise<void> {
  const { id: _, ...event } = await host.dataSource
    .getRepository(SyncEventEntity)
    .findOneByOrFail({ eventId: about });
  const alike = Array.from({ length: count }, (_, i) => ({
    ...event,
    state: 'waiting' as const,
    settledAt: null,
    succeededBy: null,
    late: null,
    occurredAt: new Date(event.occurredAt!.getTime() + i + 1),
    eventId: `evt_${i + 1}`,
    dedupeKey: randomBytes(16),
    ...as(i + 1),
  }));
  for (let at = 0; at < count; at += 100) await manager.insert(SyncEventEntity, alike.slice(at, at + 100));
}

/** Resolves when no event waits any more, not even for a later attempt. */
export function settled(host: Host): Promise<void> {
  return until(
    async () => (await host.sql(`SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1`)).length === 0,
  );
}

/** Lets time pass for the module: due times and leases. */
export function travel(host: Host, ms: number): void {
  host.app.get(SyncClock, { strict: false }).offsetMs += ms;
}

/** A place where a handler waits until the test lets it go on. */
export class Gate {
  readonly reached: Promise<void>;
  private arrive!: () => void;
  private open!: () => void;
  private readonly opened: Promise<void>;

  constructor() {
    this.reached = new Promise((resolve) => (this.arrive = resolve));
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  /** Called by the handler. */
  pass(): Promise<void> {
    this.arrive();
    return this.opened;
  }

  release(): void {
    this.open();
  }
}

/**
 * What is left of a worker that does not come back while it runs a handler: the transaction is gone, and so is the
 * lease as soon as somebody asks for it. The handler itself may go on, and finds out.
 */
export async function crash(host: Host, recordId: string): Promise<void> {
  if (databaseKind === 'sqlite') await host.app.get(FencedTransaction, { strict: false }).cutOff();
  for (const id of await idleInTransaction(host)) await killSession(host, id);
  const token = randomUUID();
  await until(async () => {
    await host.sql(
      `UPDATE sync_record SET lease_token = $1, lease_until = now()
       WHERE record_id = $2 AND lease_token IS NOT NULL`,
      [token, recordId],
    );
    return (await host.sql(`SELECT FROM sync_record WHERE lease_token = $1`, [token])).length > 0;
  });
}

/** Fails as a statement does that has lost to another transaction. */
export function lose(manager: EntityManager): Promise<unknown> {
  if (databaseKind === 'sqlite')
    return Promise.reject(Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }));
  return manager.query(
    databaseKind === 'mysql'
      ? `SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'lost'`
      : `DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`,
  );
}

export function dispatcherOf(host: Host): Dispatcher {
  return host.app.get(Dispatcher, { strict: false });
}

/**
 * Resolves when this process has done what it knows of, whatever is still due: nudges have been followed, and no pass
 * runs. One that has lost its lease leaves no other trace. Of a nudge that is still in a queue no process knows.
 */
export function noPassRuns(host: Host): Promise<void> {
  type Local = { isQuiet(): boolean };
  const dispatcher = dispatcherOf(host) as unknown as Local | { local: Local };
  const local = 'local' in dispatcher ? dispatcher.local : dispatcher;
  return until(() => local.isQuiet());
}

/** Resolves when the walk over the source's log that is due at the first boot has ended. */
export function firstWalk(host: Host): Promise<void> {
  return until(async () => {
    const done = 'read_at IS NOT NULL AND walk_token IS NULL';
    return (await host.sql(`SELECT FROM sync_cursor WHERE ${done}`)).length > 0;
  });
}
