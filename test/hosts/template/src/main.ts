import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { BillingModule, type BillingOptions } from './billing.module';
import { httpAdapter } from './platform';

async function bootstrap() {
  const options = JSON.parse(process.env.BILLING_OPTIONS!) as BillingOptions;
  const app = await NestFactory.create(BillingModule.register(options), httpAdapter());
  // Nest sends itself the signal again when all is closed. With another listener it is not killed by that: it ends
  // with 0 by itself, and only if nothing has been left open.
  process.on('SIGTERM', () => undefined);
  app.enableShutdownHooks();
  await app.init();
  await app.get(DataSource).synchronize();
  await app.listen(0, '127.0.0.1');
  console.log(`listening on ${await app.getUrl()}`);
}

void bootstrap();
