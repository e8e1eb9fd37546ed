import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, OnSyncEvent, SyncEvent, SyncModule } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type Stripe from 'stripe';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { startHost, type Host } from '../support/host.js';
import { quick } from '../support/scenario.js';

@Entity()
class Subscriber {
  @PrimaryColumn({ type: 'varchar', length: 100 })
  id!: string;

  @Column('text', { nullable: true })
  email!: string | null;
}

@Injectable()
class Newsletter {
  readonly seen: string[] = [];

  @OnSyncEvent('newsletter', 'customer.created')
  joined({ type, source }: SyncEvent) {
    this.seen.push(`${source} ${type}`);
  }
}

/** Where a key comes from that is not there at import time. */
@Injectable()
class Vault {
  keyOf(account: string): Promise<string> {
    return Promise.resolve(account === fake.apiKey ? account : 'another');
  }
}
@Module({ providers: [Vault], exports: [Vault] })
class VaultModule {}

const subscribers = mirror('newsletter', 'customer', {
  to: Subscriber,
  key: ['id'],
  map: ({ email }: Stripe.Customer) => ({ email }),
});

let fake: FakeStripe;

/** A team's part: an account at Stripe that nobody else knows of, with its table and its handler. */
function teamModule(feature: () => DynamicModule) {
  @Module({ imports: [feature(), TypeOrmModule.forFeature([Subscriber])], providers: [Newsletter] })
  class TeamModule {}
  return TeamModule;
}

function sources(apiKey: string) {
  const { webhookSecrets, connection } = fake;
  return { newsletter: stripe({ apiKey, webhookSecrets, start: 'log', ...connection }) };
}

const features: Record<string, () => DynamicModule> = {
  forFeature: () => SyncModule.forFeature({ sources: sources(fake.apiKey), mirrors: [subscribers] }),
  forFeatureAsync: () =>
    SyncModule.forFeatureAsync({
      imports: [VaultModule],
      inject: [Vault],
      useFactory: async (vault: Vault) => ({
        sources: sources(await vault.keyOf(fake.apiKey)),
        mirrors: [subscribers],
      }),
    }),
};

describe.each(Object.entries(features))(
  'a team owns its source, with its mirror and handler (%s)',
  (_, feature) => {
    let host: Host;
    beforeAll(async () => {
      fake = await FakeStripe.start();
      host = await startHost({ ...quick, imports: [teamModule(feature)] });
      fake.deliverTo(`${host.url}/webhooks/newsletter`);
    });
    afterAll(async () => {
      await host?.close();
      await fake.close();
    });

    it('far from the root', async () => {
      const { id } = fake.create('customer', { email: 'ada@example.com' });
      await fake.flush();
      await host.sync.idle();
      expect(await host.dataSource.getRepository(Subscriber).find()).toEqual([
        { id, email: 'ada@example.com' },
      ]);
      expect(host.app.get(Newsletter).seen).toEqual(['newsletter customer.created']);
    });

    it('and leaves the source of the root alone', async () => {
      host.stripe.create('customer');
      await host.stripe.flush();
      await host.sync.idle();
      expect(host.app.get(Newsletter).seen).toHaveLength(1);
      expect(await host.sql(`SELECT reason FROM sync_event WHERE source = 'stripe'`)).toEqual([
        { reason: 'no-handler' },
      ]);
      // The first boot of both is written down.
      expect(await host.sql('SELECT source FROM sync_connection ORDER BY 1')).toEqual([
        { source: 'newsletter' },
        { source: 'stripe' },
      ]);
    });
  },
);
