import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  HttpException,
  NotFoundException,
  Param,
  ParseEnumPipe,
  Post,
} from '@nestjs/common';
import { StripeApiError, type FakeStripe } from 'nestjs-hybrid-sync/testing';
import { ChangeLog, type ChangedRecord } from './change-log';
import { HandDelivery } from './hand-delivery';
import { invoiceActions, InvoiceAction } from './invoice-actions';
import { StripeAccount } from './stripe-account';

/** Makes changes at the fake Stripe, as somebody in its dashboard would. The webhooks follow by themselves. */
@Controller('simulate')
export class SimulateController {
  constructor(
    private readonly account: StripeAccount,
    private readonly changes: ChangeLog,
    private readonly byHand: HandDelivery,
  ) {}

  @Post('customers')
  signUp(@Body() params: Record<string, unknown> = {}) {
    return this.change((fake) => [{ resource: 'customer', id: fake.create('customer', params).id }]);
  }

  @Post('customers/:id')
  update(@Param('id') id: string, @Body() patch: Record<string, unknown> = {}) {
    return this.change((fake) => {
      fake.update('customer', id, patch);
      return [{ resource: 'customer', id }];
    });
  }

  @Delete('customers/:id')
  remove(@Param('id') id: string) {
    return this.change((fake) => {
      fake.delete('customer', id);
      return [{ resource: 'customer', id }];
    });
  }

  @Post('invoices/:id/:action')
  act(@Param('id') id: string, @Param('action', new ParseEnumPipe(InvoiceAction)) action: InvoiceAction) {
    return this.change((fake) => {
      invoiceActions[action](fake, id);
      return [{ resource: 'invoice', id }];
    });
  }

  /** Signs any event and delivers it to this application's own webhook door. */
  @Post('deliver')
  @HttpCode(200)
  deliver(@Body() event: object = {}) {
    return this.byHand.deliver(this.fake, event);
  }

  /** A curl command with a signature that is good for five minutes: `curl -s .../simulate/curl | sh`. */
  @Get('curl')
  @Header('content-type', 'text/plain')
  curl(): string {
    return this.byHand.curl(this.fake);
  }

  private change(action: (fake: FakeStripe) => readonly ChangedRecord[]) {
    const { fake } = this;
    const before = fake.all('event').length;
    const changed = this.changes.note(() => refusable(() => action(fake)));
    const events = fake.all('event').slice(before);
    return { changed, events: events.map(({ id, type }) => ({ id, type: String(type) })) };
  }

  private get fake(): FakeStripe {
    if (this.account.fake) return this.account.fake;
    throw new NotFoundException('This is the real Stripe: make the change there.');
  }
}

/** What the fake Stripe refuses is answered as Stripe does. */
function refusable<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof StripeApiError ? new HttpException(error.message, error.status) : error;
  }
}
