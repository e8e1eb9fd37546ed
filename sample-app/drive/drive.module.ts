import { Module } from '@nestjs/common';
import { CrmOrgModule } from '../crm/crm.module';
import { chaosWanted } from '../stripe/stripe-account';
import { StripeModule } from '../stripe/stripe.module';
import { Drive, DriveOptions } from './drive';

@Module({
  imports: [StripeModule, CrmOrgModule],
  providers: [
    Drive,
    {
      provide: DriveOptions,
      useFactory: (): DriveOptions => ({ changes: 320, everyMs: 30, chaos: chaosWanted() }),
    },
  ],
  exports: [Drive],
})
export class DriveModule {}
