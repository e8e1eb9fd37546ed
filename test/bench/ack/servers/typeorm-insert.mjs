import { BadRequestException, Controller, HttpCode, Inject, Module, Post, Req } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { EntitySchema } from 'typeorm';
import { decorate } from '../../decorate.mjs';
import { withRawBodies } from './plain.mjs';
import { verified } from './verify.mjs';

const Delivery = new EntitySchema({
  name: 'Delivery',
  tableName: 'delivery',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'increment' },
    eventId: { type: 'varchar', length: 255, unique: true },
    type: { type: 'varchar', length: 255 },
    payload: { type: 'text' },
    state: { type: 'varchar', length: 16, default: 'waiting' },
    receivedAt: { type: 'timestamptz', createDate: true },
  },
});

/** A controller as one would write it first: one insert for each delivery, duplicates ignored. */
export async function start({ databaseUrl, secret }) {
  const Hooks = decorate(
    class Hooks {
      constructor(deliveries) {
        this.deliveries = deliveries;
      }

      async receive({ body, headers }) {
        const event = verified(body, headers['stripe-signature'], secret);
        if (!event) throw new BadRequestException();
        const row = { eventId: event.id, type: event.type, payload: body.toString() };
        await this.deliveries.createQueryBuilder().insert().values(row).orIgnore().execute();
        return { received: true };
      }
    },
    [Controller('hooks')],
    {
      constructor: { parameters: [Inject(getRepositoryToken(Delivery))] },
      receive: { with: [Post(), HttpCode(200)], parameters: [Req()] },
    },
  );
  const Root = decorate(class Root {}, [
    Module({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: databaseUrl,
          poolSize: 10,
          entities: [Delivery],
          synchronize: true,
        }),
        TypeOrmModule.forFeature([Delivery]),
      ],
      controllers: [Hooks],
    }),
  ]);
  return { app: await withRawBodies('express', Root) };
}
