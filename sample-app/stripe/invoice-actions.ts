import type { FakeStripe } from 'nestjs-hybrid-sync/testing';

/** What can become of an open invoice. */
export enum InvoiceAction {
  pay = 'pay',
  fail = 'fail',
  void = 'void',
}

export const invoiceActions: Record<InvoiceAction, (fake: FakeStripe, id: string) => unknown> = {
  pay: (fake, id) => fake.payInvoice(id),
  fail: (fake, id) => fake.failInvoicePayment(id),
  void: (fake, id) => {
    const change = { status: 'void', status_transitions: { voided_at: Math.floor(Date.now() / 1000) } };
    return fake.update('invoice', id, change, { types: ['invoice.updated', 'invoice.voided'] });
  },
};
