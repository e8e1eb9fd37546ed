import type { Making } from '../resource.js';
import { isList, isPlainObject } from '../stripe-object.js';
import type { StripeList, StripeObject, StripeParams } from '../stripe-object.js';

/** The whole `lines` of an invoice, from an array of partial lines or a list. It is cut only where it is shown. */
export function buildLines(given: unknown, invoice: string, currency: string, making: Making): StripeList {
  const lines: unknown = isList(given) ? given.data : given;
  const partial = Array.isArray(lines) ? lines.filter(isPlainObject) : [];
  return {
    object: 'list',
    data: partial.map((line) => buildLine(line, invoice, currency, making)),
    has_more: false,
    url: `/v1/invoices/${invoice}/lines`,
  };
}

function buildLine(given: StripeParams, invoice: string, currency: string, making: Making): StripeObject {
  const amount = Number(given.amount ?? 0);
  return {
    id: making.id('il_'),
    object: 'line_item',
    amount,
    currency,
    description: null,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false,
    metadata: {},
    parent: null,
    period: { start: making.now, end: making.now },
    pretax_credit_amounts: [],
    pricing: null,
    quantity: 1,
    subtotal: amount,
    taxes: [],
    ...given,
  };
}

/** The amounts that follow from lines and what has been paid. Taxes and discounts are not worked out. */
export function amounts(lines: StripeList, paid: number): StripeParams {
  const total = lines.data.reduce((sum, line) => sum + Number(line.amount ?? 0), 0);
  return {
    amount_due: total,
    amount_paid: paid,
    amount_remaining: Math.max(0, total - paid),
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
  };
}
