import type { FakeStripe } from 'nestjs-hybrid-sync/testing';

/** Commands to try, ready to be pasted. */
export function invitation(url: string, fake: FakeStripe): string[] {
  const invoice = fake.all('invoice').findLast(({ status }) => status === 'open');
  const customer =
    fake.all('customer').find(({ id }) => id === invoice?.customer) ?? fake.all('customer').at(-1);
  const event = fake.all('event').findLast(({ type }) => type === 'invoice.payment_failed');
  const forged = JSON.stringify({
    id: 'evt_mine',
    object: 'event',
    type: 'customer.updated',
    data: { object: { id: customer?.id, object: 'customer', email: 'forged@example.com' } },
  });
  return [
    `It stays up on ${url}. In another terminal:`,
    '',
    '# what is here: a customer with subscriptions and invoices, the open invoices, the mails to be sent',
    `curl ${url}/customers/${customer?.id}`,
    `curl '${url}/invoices?status=open'`,
    `curl ${url}/outbox`,
    '',
    '# a payment fails at Stripe (or: pay, void), and there is one mail more in the outbox',
    `curl -X POST ${url}/simulate/invoices/${invoice?.id}/fail`,
    '',
    '# why an event is where it is',
    `curl ${url}/explain/${event?.id}`,
    '',
    '# a webhook of your own, signed and delivered: what it claims is not believed, see the customer',
    `curl ${url}/simulate/deliver -H 'content-type: application/json' -d '${forged}'`,
    '',
    '# the same as curl sends it, with a signature: twice is once, and with a byte changed it is refused',
    `curl -s ${url}/simulate/curl`,
    `curl -s ${url}/simulate/curl | sh`,
    '',
    '# a customer moves, a customer leaves',
    `curl ${url}/simulate/customers/${customer?.id} -d email=new@example.com`,
    `curl -X DELETE ${url}/simulate/customers/${customer?.id}`,
    '',
    'Ctrl-C ends everything.',
  ];
}
