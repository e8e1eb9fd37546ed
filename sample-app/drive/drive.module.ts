import { Module } from '@nestjs/common';
import { StripeModule } from '../stripe/stripe.module';
import { Drive, DriveOptions } from './drive';

@Module({
  imports: [StripeModule],
  providers: [
    Drive,
    { provide: DriveOptions, useValue: { changes: 320, everyMs: 30 } satisfies DriveOptions },
  ],
  exports: [Drive],
})
export class DriveModule {}
