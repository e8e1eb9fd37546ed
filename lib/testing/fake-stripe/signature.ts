import { createHmac } from 'node:crypto';

/**
 * The value of a `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, one `v1` per secret.
 *
 * `v1` is the HMAC-SHA256 of `<t>.<body>`, keyed with the whole secret, `whsec_` included (stripe-node, Webhooks.js).
 * While a secret is being rolled Stripe signs with the old and the new one.
 *
 * @param timestamp seconds since the epoch.
 */
export function stripeSignature(body: Buffer, secrets: readonly string[], timestamp: number): string {
  const parts = secrets.map((secret) => {
    const hmac = createHmac('sha256', secret).update(`${timestamp}.`, 'utf8').update(body);
    return `v1=${hmac.digest('hex')}`;
  });
  return [`t=${timestamp}`, ...parts].join(',');
}
