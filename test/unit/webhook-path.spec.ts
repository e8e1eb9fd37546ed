import { WebhookPath } from '../../lib/ingest/webhook/webhook.path.js';

const paths = new WebhookPath('/Hooks/in/', ['api/', ''], ['stripe', 'stripe.eu']);

it.each([
  ['/hooks/in/stripe', { source: 'stripe' }],
  ['/api/hooks/in/stripe', { source: 'stripe' }],
  ['/hooks/in/stripe/', { source: 'stripe' }],
  ['/hooks/in/stripe/acct_1', { source: 'stripe', connection: 'acct_1' }],
  ['/hooks/in/stripe/acct_1/', { source: 'stripe', connection: 'acct_1' }],
  ['/hooks/in/stripe.eu', { source: 'stripe.eu' }],
  ['/hooks/in/stripe?a=/b/c/d/e', { source: 'stripe' }],
  ['/hooks/in/stripe#/b/c/d/e', { source: 'stripe' }],
  ['/hooks/in/stripe/acct%2F1', { source: 'stripe', connection: 'acct/1' }],
  // Written as nobody would, and yet routed here by Express or Fastify.
  ['/HOOKS/In/stripe', { source: 'stripe' }],
  ['/%68ooks/in/strip%65', { source: 'stripe' }],
  ['http://any.host:80/hooks/in/stripe', { source: 'stripe' }],
  ['HTTP://user@any.host/hooks/in/stripe?a=b', { source: 'stripe' }],
])('%s is for the webhook controller', (url, target) => expect(paths.find(url)).toEqual(target));

it.each([
  '/hooks/in',
  '/hooks/in/',
  '/hooks/stripe',
  '/hooks/in//stripe',
  '/hooks/in/stripe//',
  '/hooks/in/stripe//acct_1',
  '/hooks/in/stripe/acct_1/more',
  '/hooks/in%2Fstripe',
  '/in/stripe',
  '/other/hooks/in/stripe',
  // A webhook of the host's own.
  '/hooks/in/github',
  '/hooks/in/Stripe',
  '/hooks/in/__proto__',
  '/hooks/in/%E0%A4%A',
  '?/hooks/in/stripe',
  '*',
  '',
])('%s is not', (url) => expect(paths.find(url)).toBeUndefined());

it('takes no time for a URL as long as Node lets through', () => {
  for (const piece of ['/', '%', '%2F', '#', 'é']) {
    const startedAt = performance.now();
    for (let i = 0; i < 100; i++) paths.find(`/hooks/in/${piece.repeat(16_384 / piece.length)}`);
    expect([piece, performance.now() - startedAt < 1_000]).toEqual([piece, true]);
  }
});
