import { createRequire } from 'node:module';
import { Injectable, Module } from '@nestjs/common';
import { decorate } from '../../decorate.mjs';
import { onExpress } from './nest.mjs';

// It is written for stripe 20. All that it uses is the same in ours, but for where the class is found.
const sdk = createRequire(import.meta.url)('stripe');
sdk.default ??= sdk;
const { StripeModule, StripeWebhookHandler } = await import('@golevelup/nestjs-stripe');

/** @golevelup/nestjs-stripe as its README has it: verifies, calls the handler, stores nothing. */
export async function start({ secret }) {
  const Billing = decorate(
    class Billing {
      async paid() {}
    },
    [Injectable()],
    { paid: { with: [StripeWebhookHandler('*')] } },
  );
  const stripe = StripeModule.forRoot({
    apiKey: 'sk_test_bench',
    webhookConfig: {
      stripeSecrets: { account: secret, accountTest: secret },
      requestBodyProperty: 'rawBody',
      controllerPrefix: 'hooks',
    },
  });
  const Root = decorate(class Root {}, [Module({ imports: [stripe], providers: [Billing] })]);
  return { app: await onExpress(Root, { rawBody: true }) };
}
