import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CrmOrgModule } from '../crm/crm.module';
import { DriveModule } from '../drive/drive.module';
import { StripeModule } from '../stripe/stripe.module';
import { AccountReader } from './account';
import { ExplainController } from './explain.controller';
import { Reporter } from './reporter';
import { Screen, screenOn } from './screen';

@Module({
  imports: [StripeModule, CrmOrgModule, DriveModule],
  controllers: [ExplainController],
  providers: [AccountReader, Reporter, { provide: Screen, useFactory: () => screenOn(process.stdout) }],
})
export class AccountModule implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** JSON that a person can read. */
  onModuleInit(): void {
    const express: { set(name: string, value: unknown): void } = this.adapterHost.httpAdapter.getInstance();
    express.set('json spaces', 2);
  }
}
