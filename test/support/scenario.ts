import { randomBytes } from 'node:crypto';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { Column, Entity, PrimaryGeneratedColumn, type EntityManager } from 'typeorm';
import { Dispatcher } from '../../lib/dispatch/dispatcher.js';
import { SyncClock } from '../../lib/sync.clock.js';
import type { Host, HostOptions } from './host.js';
import { until } from './host.js';

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

/** Ends database sessions, as an administrator or a fail-over does. */
export async function kill(host: Host, pid: number): Promise<void> {
  await host.sql('SELECT pg_terminate_backend($1)', [pid]);
  await until(
    async () => (await host.sql('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).length === 0,
  );
}

/**
 * What is left of a worker that does not come back while it runs a handler: the transaction is gone, and so is the
 * lease as soon as somebody asks for it. The handler itself may go on, and finds out.
 */
export async function crash(host: Host, recordId: string): Promise<void> {
  await host.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE state = 'idle in transaction' AND datname = current_database()`,
  );
  await until(async () => {
    const [, stolen] = (await host.sql(
      `UPDATE sync_record SET lease_token = gen_random_uuid(), lease_until = now()
       WHERE record_id = $1 AND lease_token IS NOT NULL`,
      [recordId],
    )) as unknown as [unknown, number];
    return stolen > 0;
  });
}

/** The server process behind a handler's transaction. */
export async function pidOf(manager: EntityManager): Promise<number> {
  const [row] = await manager.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
  return row!.pid;
}

export function dispatcherOf(host: Host): Dispatcher {
  return host.app.get(Dispatcher, { strict: false });
}

/**
 * Resolves when this process has done what it knows of, whatever is still due: nudges have been followed, and no pass
 * runs. One that has lost its lease leaves no other trace.
 */
export function noPassRuns(host: Host): Promise<void> {
  const dispatcher = dispatcherOf(host) as unknown as { isQuiet(): boolean };
  return until(() => dispatcher.isQuiet());
}
