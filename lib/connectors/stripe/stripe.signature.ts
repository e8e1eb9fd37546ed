import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RejectReason, Verdict } from '../../model/connector.js';

/**
 * Verifies a `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>...]`, where each `v1` is the HMAC-SHA256 over
 * `<t>.<raw body>` with a whole secret, `whsec_` included, as the key. Any secret and any `v1` will do: Stripe signs
 * with both while a secret is rolled (docs.stripe.com/webhooks).
 *
 * As strict as Stripe's own verifier (stripe-node, Webhooks.js): nothing is trimmed, hex is lower case, `v0` does not
 * count. Beyond it: bytes are never decoded, so a byte order mark verifies too; a date in the future is rejected
 * like one in the past; `t` stands once, and as Stripe writes it; there are no more parts than anybody could need, since
 * taking a header of 16 KB to pieces costs more than all the rest. Never throws; with no secrets nothing verifies.
 *
 * @param toleranceSeconds how far `t` may be from `nowMs` (epoch milliseconds), on either side
 */
export function verifySignature(
  header: string | string[] | undefined,
  body: Uint8Array,
  secrets: readonly string[],
  toleranceSeconds: number,
  nowMs: number,
): Verdict {
  if (header === undefined || header === '') return rejected('no-signature');
  const signed = typeof header === 'string' ? parseHeader(header) : null;
  if (!signed) return rejected('malformed-signature');

  // Before the date, so that "too old" means a delivery that Stripe did sign: a replay, or a clock that is wrong.
  if (!secrets.some((secret) => matches(signed, body, secret))) return rejected('wrong-signature');

  const age = Math.floor(nowMs / 1000) - signed.timestamp;
  if (Math.abs(age) <= toleranceSeconds) return { ok: true };
  return rejected(age < 0 ? 'in-the-future' : 'too-old');
}

/** Stripe writes one for the time and one or two for each secret that is valid. */
const MAX_PARTS = 32;

interface SignatureHeader {
  readonly timestamp: number;
  readonly signatures: readonly Buffer[];
}

function parseHeader(header: string): SignatureHeader | null {
  const parts = header.split(',', MAX_PARTS + 1);
  if (parts.length > MAX_PARTS) return null;
  const timestamps: string[] = [];
  const signatures: string[] = [];
  for (const part of parts) {
    const [key, value = ''] = part.split('=', 2);
    if (key === 't') timestamps.push(value);
    if (key === 'v1') signatures.push(value);
  }
  if (timestamps.length !== 1 || signatures.length === 0) return null;
  // Stripe's verifier throws at such a v1, even beside a good one.
  if (!signatures.every((hex) => /^\p{ASCII}+$/u.test(hex))) return null;
  // At most 12 digits: what is signed is the number, and it must read back as it was written.
  if (!/^(0|[1-9]\d{0,11})$/.test(timestamps[0]!)) return null;
  return { timestamp: Number(timestamps[0]), signatures: signatures.map((hex) => Buffer.from(hex)) };
}

function matches(signed: SignatureHeader, body: Uint8Array, secret: string): boolean {
  const hex = createHmac('sha256', secret).update(`${signed.timestamp}.`).update(body).digest('hex');
  const expected = Buffer.from(hex);
  return signed.signatures.some(
    (signature) => signature.length === expected.length && timingSafeEqual(signature, expected),
  );
}

function rejected(reason: RejectReason): Verdict {
  return { ok: false, reason };
}
