import { WebhookPath } from '../../lib/ingest/webhook/webhook.path.js';

const paths = new WebhookPath('/Hooks/in/', 'api/', ['stripe', 'stripe.eu']);

it.each([
  '/hooks/in/stripe',
  '/api/hooks/in/stripe',
  '/hooks/in/stripe/',
  '/hooks/in/stripe/acct_1',
  '/hooks/in/stripe/acct_1/',
  '/hooks/in/stripe.eu',
  '/hooks/in/stripe?a=/b/c/d/e',
  '/hooks/in/stripe#/b/c/d/e',
  '/hooks/in/stripe/acct%2F1',
  // Written as nobody would, and yet routed here by Express or Fastify.
  '/HOOKS/In/stripe',
  '/%68ooks/in/strip%65',
  'http://any.host:80/hooks/in/stripe',
  'HTTP://user@any.host/hooks/in/stripe?a=b',
])('%s is for the webhook controller', (url) => expect(paths.matches(url)).toBe(true));

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
])('%s is not', (url) => expect(paths.matches(url)).toBe(false));

it('takes no time for a URL as long as Node lets through', () => {
  for (const piece of ['/', '%', '%2F', '#', 'é']) {
    const startedAt = performance.now();
    for (let i = 0; i < 100; i++) paths.matches(`/hooks/in/${piece.repeat(16_384 / piece.length)}`);
    expect([piece, performance.now() - startedAt < 1_000]).toEqual([piece, true]);
  }
});
