import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncModule } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { EntitySchema } from 'typeorm';
import { decorate } from '../decorate.mjs';

const CustomerCopy = new EntitySchema({
  name: 'CustomerCopy',
  tableName: 'customer_copy',
  columns: { id: { type: 'text', primary: true }, sequence: { type: 'int' } },
});

/**
 * A host with one mirror of customers.
 * @param applied told of each state that is written
 */
export async function startApplication({ databaseUrl, fake, source, applied }) {
  const Root = decorate(class Root {}, [
    Module({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: databaseUrl,
          entities: [CustomerCopy],
          autoLoadEntities: true,
          synchronize: true,
        }),
        SyncModule.forRoot({
          sources: {
            stripe: stripe({
              apiKey: fake.apiKey,
              webhookSecrets: fake.webhookSecrets,
              ...fake.connection,
              ...source,
            }),
          },
        }),
        SyncModule.forFeature({
          mirrors: [
            mirror('stripe', 'customer', {
              to: CustomerCopy,
              key: ['id'],
              map: ({ id, metadata }) => {
                const sequence = Number(metadata.sequence);
                applied(id, sequence);
                return { sequence };
              },
            }),
          ],
        }),
      ],
    }),
  ]);
  // That webhooks fail is what is played here, and their alarms are errors; what is wrong otherwise is seen in the end.
  const app = await NestFactory.create(Root, { logger: ['fatal'] });
  await app.listen(0, '127.0.0.1');
  return app;
}
