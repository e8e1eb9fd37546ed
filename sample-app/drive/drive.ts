import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectDataSource } from '@nestjs/typeorm';
import { SyncEventEntity, SyncService } from 'nestjs-hybrid-sync';
import type { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { DataSource } from 'typeorm';
import { CrmOrg } from '../crm/crm-org';
import { ChangeLog } from '../stripe/change-log';
import { StripeAccount } from '../stripe/stripe-account';
import { Chance } from './chance';
import { chaosReport, makeTrouble, recover, type ChaosReport, type Trouble } from './chaos';
import { compare, type Comparison } from './comparison';
import { handOverAnAccount, happenings, moveAnAccount, type Scene } from './happenings';

/** How long the drive is, and how fast. */
export abstract class DriveOptions {
  /** Records changed at Stripe. */
  abstract readonly changes: number;
  /** How many of them in a second. */
  abstract readonly perSecond: number;
  /** What goes wrong meanwhile. @default nothing */
  abstract readonly trouble?: Trouble;
}

/** Lets things happen at the fake Stripe for a while, waits until all of it has arrived here, and compares. */
@Injectable()
export class Drive implements OnApplicationBootstrap, OnModuleDestroy {
  /** What the comparison has found; null if there was none: Stripe is the real one, or the application is stopping. */
  readonly finished: Promise<Comparison | null>;
  /** What has gone wrong, where that was wanted: once it is finished. */
  chaos: ChaosReport | null = null;
  private finish!: (found: Promise<Comparison | null> | null) => void;
  private stopping = false;

  constructor(
    private readonly account: StripeAccount,
    private readonly crm: CrmOrg,
    private readonly changes: ChangeLog,
    private readonly sync: SyncService,
    private readonly adapterHost: HttpAdapterHost,
    @InjectDataSource() private readonly dataSource: DataSource,
    @Inject(DriveOptions) private readonly options: DriveOptions,
  ) {
    this.finished = new Promise((resolve) => (this.finish = resolve));
  }

  onApplicationBootstrap(): void {
    const { fake } = this.account;
    if (!fake) return this.finish(null);
    this.adapterHost.listen$.subscribe(() => this.finish(this.runWhileUp(fake)));
  }

  onModuleDestroy(): void {
    this.stopping = true;
    this.finish(null);
  }

  /** What breaks because everything is being closed is nobody's fault. */
  private async runWhileUp(fake: FakeStripe): Promise<Comparison | null> {
    try {
      return await this.run(fake);
    } catch (error) {
      if (this.stopping) return null;
      throw error;
    }
  }

  private async run(fake: FakeStripe): Promise<Comparison | null> {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    fake.deliverTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/stripe`);

    const chance = new Chance(1);
    const price = fake.create('price', seat).id;
    const scene = { fake, org: this.crm.fake, chance, price, changed: this.changes.entries };
    await this.letHappen(scene);
    fake.faults.outage = false;
    await this.arrived(fake);
    // With all accounts there: while things happened, there may have been none to change.
    for (let i = 0; i < 5; i++) {
      moveAnAccount(scene);
      handOverAnAccount(scene);
    }
    await this.arrived(fake);
    fake.faults.clear();
    if (this.options.trouble && !this.stopping) {
      const reconciliations = await recover(this.sync);
      await this.arrived(fake);
      this.chaos = await chaosReport(fake, this.dataSource, this.options.trouble, reconciliations);
    }
    return this.stopping ? null : compare(fake, this.dataSource, this.crm.fake);
  }

  private async letHappen(scene: Scene): Promise<void> {
    const { changes, perSecond, trouble } = this.options;
    const { entries } = this.changes;
    const startedAt = Date.now();
    while (!this.stopping && entries.length < changes) {
      if (trouble) makeTrouble(scene.fake, trouble, entries.length / changes);
      this.changes.note(() => scene.chance.weighted(happenings).happen(scene));
      const dueAt = startedAt + (entries.length / perSecond) * 1_000;
      await pause(Math.max(0, dueAt - Date.now()));
    }
  }

  /** Until no webhook is on its way, nothing new is in the CRM, and no event waits, for a later time neither. */
  private async arrived(fake: FakeStripe): Promise<void> {
    const events = this.dataSource.getRepository(SyncEventEntity);
    while (!this.stopping) {
      await fake.flush();
      await this.crm.fake?.flush();
      const polled = await this.sync.poll({ source: 'crm' });
      await this.sync.idle();
      const isRead = polled.every(({ atEnd, found }) => atEnd && found === 0);
      if (isRead && !(await events.existsBy({ state: 'waiting' }))) return;
      await pause(100);
    }
  }
}

const seat = { nickname: 'Seat', unit_amount: 1_900, currency: 'usd', recurring: { interval: 'month' } };
