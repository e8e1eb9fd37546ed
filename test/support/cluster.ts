import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type { DataSource } from 'typeorm';
import { Balancer } from './balancer.js';
import { compileChildProgram, type ChildApp, type ChildOptions, type ChildProgram } from './child-app.js';
import { ChildEffect } from './child-effect.js';
import { ClusterQueue } from './cluster-queue.js';
import { connectTo, createDatabase, type TestDatabase } from './database.js';
import { sqlOn, type Sql } from './sql.js';

export interface ClusterOptions extends Pick<ChildOptions, 'sync'> {
  /** Processes that run handlers. */
  workers: number;
  /** Processes that take deliveries, on Express and Fastify in turn. */
  ingesters: number;
}

/** Many processes of one application, on one database and one provider, behind a load balancer. */
export class Cluster {
  readonly balancer = new Balancer();
  /** How many workers have been killed. */
  kills = 0;
  private readonly workers: ChildApp[] = [];
  private readonly ingesters: { child: ChildApp; adapter: ChildOptions['adapter'] }[] = [];
  private readonly restarts: Promise<void>[] = [];

  private constructor(
    readonly stripe: FakeStripe,
    /** Has one session, for what the test asks. */
    readonly db: DataSource,
    readonly sql: Sql,
    /** Undefined: this run has none. */
    readonly queue: ClusterQueue | undefined,
    private readonly database: TestDatabase,
    private readonly program: ChildProgram,
    private readonly options: ClusterOptions,
  ) {}

  static async start(options: ClusterOptions): Promise<Cluster> {
    const program = compileChildProgram('child-cluster-main');
    const database = await createDatabase({ tables: true });
    const stripe = await FakeStripe.start();
    const db = await connectTo(database, [ChildEffect]);
    await db.synchronize();
    const queue = await ClusterQueue.open(new URL(database.url).pathname.slice(1));
    const cluster = new Cluster(stripe, db, sqlOn(db), queue, database, program, options);
    const ingesters = Array.from({ length: options.ingesters }, (_, n) =>
      cluster.addIngester(n % 2 === 0 ? 'express' : 'fastify'),
    );
    await Promise.all([...Array.from({ length: options.workers }, () => cluster.addWorker()), ...ingesters]);
    return cluster;
  }

  /**
   * `kill -9` for one of the workers; another one is started in its place.
   * @param draw which: from 0 to 1
   */
  killWorker(draw: number): void {
    const [victim] = this.workers.splice(Math.floor(draw * this.workers.length), 1);
    // All are dead: those that come after them are on their way.
    if (!victim) return;
    this.kills += 1;
    const restart = victim.kill().then(() => this.addWorker());
    this.restarts.push(restart);
    // Told by `restarted()`.
    restart.catch(() => undefined);
  }

  /** Everybody that was killed has been replaced. */
  async restarted(): Promise<void> {
    await Promise.all(this.restarts);
  }

  /** Replaces all processes, one after the other: the new one is there before the old one is told to go. */
  async deploy(): Promise<void> {
    for (const { child, adapter } of this.ingesters.splice(0)) {
      await this.addIngester(adapter);
      await child.stop();
    }
    for (const worker of this.workers.splice(0)) {
      await this.addWorker();
      await worker.stop();
    }
  }

  async close(): Promise<void> {
    this.balancer.close();
    await Promise.allSettled(this.restarts);
    await this.program.close();
    await this.queue?.close();
    await this.stripe.close();
    await this.db.destroy();
    await this.database.drop();
  }

  private async addWorker(): Promise<void> {
    this.workers.push(await this.startChild({ role: 'worker' }));
  }

  private async addIngester(adapter: ChildOptions['adapter']): Promise<void> {
    const child = await this.startChild({ role: 'ingest', adapter });
    this.ingesters.push({ child, adapter });
    this.balancer.add(child);
  }

  private startChild(options: Partial<ChildOptions>): Promise<ChildApp> {
    const { database, stripe } = this;
    const { sync } = this.options;
    return this.program.start({ database, stripe, sync, queue: this.queue?.options, ...options });
  }
}
