import { Module } from '@nestjs/common';
import { ChangeLog } from './change-log';
import { HandDelivery } from './hand-delivery';
import { SimulateController } from './simulate.controller';
import { StripeAccount } from './stripe-account';

@Module({
  controllers: [SimulateController],
  providers: [{ provide: StripeAccount, useFactory: () => StripeAccount.open() }, ChangeLog, HandDelivery],
  exports: [StripeAccount, ChangeLog],
})
export class StripeModule {}
