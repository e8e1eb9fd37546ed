import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type { Comparison } from '../drive/comparison';
import { Drive } from '../drive/drive';
import { StripeAccount } from '../stripe/stripe-account';
import { AccountReader, type Account } from './account';
import { accountBlock, accountLine, chaosLines, inboxLine, verdict } from './account.text';
import { invitation } from './invitation';
import { Screen } from './screen';

/** Tells on the screen what happens: the drive while it goes on, what came of it, and whatever is done by hand. */
@Injectable()
export class Reporter implements OnApplicationBootstrap, OnModuleDestroy {
  private stopping = false;

  constructor(
    private readonly stripe: StripeAccount,
    private readonly drive: Drive,
    private readonly reader: AccountReader,
    private readonly screen: Screen,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    this.adapterHost.listen$.subscribe(() => {
      this.report().catch((error: unknown) => {
        if (this.stopping) return;
        endWithError();
        this.screen.say(`The account cannot go on: ${String(error)}`);
      });
    });
  }

  onModuleDestroy(): void {
    this.stopping = true;
  }

  private async report(): Promise<void> {
    const { fake } = this.stripe;
    if (!fake) {
      const { host } = new URL(this.url);
      this.screen.say(
        `Up on ${this.url}, with the Stripe account of STRIPE_API_KEY. For its webhooks:`,
        `stripe listen --forward-to ${host}/webhooks/stripe`,
      );
      return this.follow(inboxLine);
    }
    this.screen.say('', 'A Stripe and a Salesforce of our own are being changed; this is what arrives:', '');
    await this.showDrive();
    const found = await this.drive.finished;
    if (found) this.conclude(found, fake);
    return this.follow(accountLine);
  }

  private async showDrive(): Promise<void> {
    const startedAt = Date.now();
    let over = false;
    const finished = this.drive.finished.finally(() => (over = true));
    for (;;) {
      const last = over;
      const account = await this.reader.read();
      const elapsed = `${Math.round((Date.now() - startedAt) / 1_000)} s`;
      this.screen.show({ block: accountBlock(account), line: `${elapsed}: ${accountLine(account)}`, last });
      if (last || this.stopping) return;
      await Promise.race([finished, pause(this.screen.refreshMs, undefined, { ref: false })]);
    }
  }

  private conclude(found: Comparison, fake: FakeStripe): void {
    if (found.differences.length > 0) endWithError();
    const { chaos } = this.drive;
    this.screen.say(
      '',
      ...(chaos ? [...chaosLines(chaos), ''] : []),
      ...verdict(found),
      '',
      ...invitation(this.url, fake),
      '',
    );
  }

  /** A line whenever something has moved. */
  private async follow(line: (account: Account) => string): Promise<void> {
    // Latencies are measured anew each time, and so never quite the same; polling makes calls though nothing happens.
    const numbers = (account: Account) =>
      JSON.stringify({ ...account, latencies: null, calls: null, crm: null });
    let known = numbers(await this.reader.read());
    for (;;) {
      await pause(1_000, undefined, { ref: false });
      if (this.stopping) return;
      const account = await this.reader.read();
      if (numbers(account) !== known) this.screen.say(line(account));
      known = numbers(account);
    }
  }

  private get url(): string {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  }
}

/** Also where the process is ended by Ctrl-C. */
function endWithError(): void {
  process.once('exit', () => (process.exitCode = 1));
}
