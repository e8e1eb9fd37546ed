import { Module } from '@nestjs/common';
import { CrmOrgModule } from '../crm/crm.module';
import { driveKind, type DriveKind } from '../stripe/stripe-account';
import { StripeModule } from '../stripe/stripe.module';
import { Drive, DriveOptions } from './drive';

const drives: Readonly<Record<DriveKind, DriveOptions>> = {
  calm: { changes: 320, perSecond: 40 },
  chaos: { changes: 320, perSecond: 40, trouble: { dropRate: 0.1, outage: [0.3, 0.5] } },
  load: { changes: 3_000, perSecond: 50, trouble: { dropRate: 0.05 } },
};

@Module({
  imports: [StripeModule, CrmOrgModule],
  providers: [Drive, { provide: DriveOptions, useFactory: () => drives[driveKind()] }],
  exports: [Drive],
})
export class DriveModule {}
