import { stripeSignature } from './fake-stripe/signature.js';

/** What to sign. */
export interface SignedDeliveryOptions {
  /** An object is sent as its JSON; text and bytes are sent as they are. */
  payload: object | string | Buffer;
  /** The endpoint's secret, or several while one is being rolled. */
  secret: string | readonly string[];
  /**
   * When it was signed, in seconds since the epoch.
   * @default now, by the system's clock
   */
  timestamp?: number;
}

/** A webhook ready to be posted. Send `body` as it is: one changed byte and the signature is wrong. */
export interface SignedDelivery {
  body: Buffer;
  headers: { 'content-type': string; 'stripe-signature': string };
}

/** Signs a webhook as Stripe does, to be posted by hand: `request(app).post(path).set(headers).send(body)`. */
export function signedDelivery({ payload, secret, timestamp }: SignedDeliveryOptions): SignedDelivery {
  const body = toBytes(payload);
  const secrets = typeof secret === 'string' ? [secret] : secret;
  const seconds = timestamp ?? Math.floor(Date.now() / 1000);
  return {
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': stripeSignature(body, secrets, seconds),
    },
  };
}

function toBytes(payload: object | string | Buffer): Buffer {
  if (Buffer.isBuffer(payload)) return payload;
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload), 'utf8');
}
