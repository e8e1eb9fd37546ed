import { Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { StripeOptions } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';

/** How much is to happen: `--chaos` and `--load` lose webhooks on purpose. */
export type DriveKind = 'calm' | 'chaos' | 'load';

/** What was given on the command line. */
export function driveKind(argv: readonly string[] = process.argv): DriveKind {
  // Nest's CLI hands it on in quotes.
  const wanted = (kind: DriveKind) => argv.some((argument) => argument.includes(`--${kind}`));
  return (['chaos', 'load'] as const).find(wanted) ?? 'calm';
}

/** Webhooks are held back by up to so long, and some come twice and out of order, as from the real one. */
export const HELD_BACK_MS = 200;

/** The Stripe that this run works with: the real one if the environment has keys, else one of its own. */
@Injectable()
export class StripeAccount implements OnModuleDestroy, OnApplicationShutdown {
  private constructor(
    readonly options: StripeOptions,
    readonly fake: FakeStripe | null,
  ) {}

  static async open(env: NodeJS.ProcessEnv = process.env): Promise<StripeAccount> {
    const { STRIPE_API_KEY: apiKey, STRIPE_WEBHOOK_SECRET: secret } = env;
    // With one of them the module says at boot what is missing.
    if (apiKey || secret)
      return new StripeAccount({ apiKey: apiKey ?? '', webhookSecrets: secret ? [secret] : [] }, null);

    const fake = await FakeStripe.start();
    fake.faults.duplicateRate = 0.15;
    fake.faults.reorder = true;
    fake.faults.delayMs = [0, HELD_BACK_MS];
    // As long as the real one takes.
    if (driveKind() === 'load') fake.faults.slowMs = [50, 150];
    const options = {
      apiKey: fake.apiKey,
      webhookSecrets: fake.webhookSecrets,
      // As many calls a second as Stripe allows a live account.
      callsPerSecond: 100,
      // So often that one can watch it.
      ...(driveKind() !== 'calm' && { poll: { everyMs: 1_000, fastestMs: 1_000, graceMs: 1_000 } }),
    };
    return new StripeAccount({ ...options, ...fake.connection }, fake);
  }

  onModuleDestroy(): void {
    this.fake?.deliverTo(null);
  }

  /** Not earlier: passes that are under way still read from it. */
  async onApplicationShutdown(): Promise<void> {
    await this.fake?.close();
  }
}
