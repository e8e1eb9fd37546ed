import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { freePort } from './account/free-port';

/** A Nest application as any other: no raw body, no middleware, nothing to be done before or after. */
async function main(): Promise<void> {
  const port = await freePort(process.env.PORT ?? 3000);
  console.log(`Starting on port ${port} ...`);
  // The account has the screen to itself: this sample's taste, not the module's need.
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(port, '127.0.0.1');
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
