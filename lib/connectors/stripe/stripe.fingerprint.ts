import { hashOf } from '../../model/content-hash.js';

/** Raised whenever `fingerprintOf` gives another result for the same content. */
export const FINGERPRINT_REVISION = 1;

/**
 * SHA-256, in 64 hex digits, of a record's content. Equal for contents that differ only in
 * - the order of keys;
 * - fields that are `null` in one and absent in the other: Stripe adds fields within an API version
 *   (docs.stripe.com/upgrades, "backward-compatible changes"), and not every record has changed on that day;
 * - volatile fields: links that Stripe makes anew when a record is read, or when the old ones expire
 *   (docs.stripe.com/invoicing/hosted-invoice-page), and a card reader's sign of life.
 * The host's own `metadata` counts whole, whatever its keys are called.
 */
export function fingerprintOf(resource: string, data: object): string {
  const own = VOLATILE_IN.get(resource) ?? [];
  const content = Object.fromEntries(Object.entries(data).filter(([key]) => !own.includes(key)));
  return hashOf(content, { without: VOLATILE, wholeIn: 'metadata' });
}

/** In any object at any depth: records embed each other. */
const VOLATILE: ReadonlySet<string> = new Set([
  'hosted_instructions_url',
  'hosted_invoice_url',
  'hosted_regulatory_receipt_url',
  'hosted_verification_url',
  'hosted_voucher_url',
  'image_data_url',
  'image_url_png',
  'image_url_svg',
  'invoice_pdf',
  'mobile_auth_url',
  'receipt_url',
]);

/** In a record of this kind itself, where the name alone would say too little. */
const VOLATILE_IN: ReadonlyMap<string, readonly string[]> = new Map([
  ['checkout.session', ['url']],
  ['credit_note', ['pdf']],
  ['identity.verification_session', ['client_secret', 'url']],
  ['terminal.reader', ['last_seen_at']],
]);
