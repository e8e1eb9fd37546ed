import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import Stripe from 'stripe';
import { stripe, type StripeOptions } from 'nestjs-hybrid-sync/stripe';
import { verifySignature } from '../../lib/connectors/stripe/stripe.signature.js';

const SECRET = 'whsec_first';
const OTHER = 'whsec_second';
const BODY = Buffer.from('{ "id": "evt_1",\r\n\t"object":"event", "name":"Zoë" }\n');
const NOW = 1_800_000_000;

function sign(body: Buffer, secret = SECRET, t: number | string = NOW): string {
  return createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex');
}

function verify(
  header: string | string[] | undefined,
  { body = BODY, secrets = [SECRET], tolerance = 300, now = NOW } = {},
) {
  const verdict = verifySignature(header, body, secrets, tolerance, now * 1000);
  return verdict.ok ? 'ok' : verdict.reason;
}

/** Stripe's own verifier. It throws where it does not believe. */
function stripeAccepts(header: string, body: Buffer, now = NOW): boolean {
  try {
    return Stripe.webhooks.signature!.verifyHeader(body, header, SECRET, 300, undefined, now * 1000);
  } catch {
    return false;
  }
}

describe('a Stripe signature', () => {
  it('verifies as Stripe makes it', () => {
    const header = Stripe.webhooks.generateTestHeaderString({
      payload: BODY.toString(),
      secret: SECRET,
      timestamp: NOW,
    });
    expect(verify(header)).toBe('ok');
  });

  it('verifies with any of several secrets, and any of several v1, first or last', () => {
    const good = `v1=${sign(BODY)}`;
    const bad = `v1=${sign(BODY, 'whsec_gone')}`;
    expect(verify(`t=${NOW},${good},${bad}`)).toBe('ok');
    expect(verify(`t=${NOW},${bad},${good}`)).toBe('ok');
    expect(verify(`t=${NOW},v0=${sign(BODY)},${good}`)).toBe('ok');
    expect(verify(`t=${NOW},${good}`, { secrets: [OTHER, SECRET] })).toBe('ok');
    expect(verify(`t=${NOW},${good}`, { secrets: [SECRET, OTHER] })).toBe('ok');
    expect(verify(`t=${NOW},v1=${sign(BODY, OTHER)}`, { secrets: [SECRET, OTHER] })).toBe('ok');
  });

  it('is of the raw bytes: a byte order mark and bytes that are no UTF-8 verify', () => {
    for (const body of [Buffer.from('\ufeff{}'), Buffer.from([0xff, 0xfe, 0x00, 0xc3]), Buffer.alloc(0)]) {
      expect(verify(`t=${NOW},v1=${sign(body)}`, { body })).toBe('ok');
    }
    // Replaced by the decoder, both would be the same text.
    expect(verify(`t=${NOW},v1=${sign(Buffer.from([0xff]))}`, { body: Buffer.from([0xfe]) })).toBe(
      'wrong-signature',
    );
  });

  it.each([
    [-300, 'ok'],
    [-301, 'too-old'],
    [300, 'ok'],
    [301, 'in-the-future'],
    [86_400, 'in-the-future'],
  ])('made %i s from now: %s', (offset, verdict) => {
    const t = NOW + offset;
    expect(verify(`t=${t},v1=${sign(BODY, SECRET, t)}`)).toBe(verdict);
  });

  it('is said to be wrong before it is said to be old', () => {
    expect(verify(`t=1,v1=${sign(BODY)}`)).toBe('wrong-signature');
  });

  it.each([NaN, -1])('is rejected whatever its date where the tolerance is %p', (tolerance) => {
    expect(verify(`t=${NOW},v1=${sign(BODY)}`, { tolerance })).not.toBe('ok');
  });

  const good = sign(BODY);
  it.each([
    ['no header', undefined, 'no-signature'],
    ['an empty header', '', 'no-signature'],
    ['an array', [`t=${NOW},v1=${good}`], 'malformed-signature'],
    ['no t', `v1=${good}`, 'malformed-signature'],
    ['a t that is no number', `t=soon,v1=${good}`, 'malformed-signature'],
    ['a t with something after it', `t=${NOW}x,v1=${good}`, 'malformed-signature'],
    ['a t with a zero before it', `t=0${NOW},v1=${good}`, 'malformed-signature'],
    ['a second t', `t=${NOW},v1=${good},t=${NOW}`, 'malformed-signature'],
    ['only v0', `t=${NOW},v0=${good}`, 'malformed-signature'],
    ['a space before v1', `t=${NOW}, v1=${good}`, 'malformed-signature'],
    ['a space after v1=', `t=${NOW},v1= ${good}`, 'wrong-signature'],
    ['upper-case hex', `t=${NOW},v1=${good.toUpperCase()}`, 'wrong-signature'],
    ['a shortened signature', `t=${NOW},v1=${good.slice(0, 63)}`, 'wrong-signature'],
    ['an empty v1', `t=${NOW},v1=`, 'malformed-signature'],
    ['an empty v1 beside a good one', `t=${NOW},v1=${good},v1=`, 'malformed-signature'],
    ['a v1 without a value', `t=${NOW},v1`, 'malformed-signature'],
    ['as many characters, but more bytes', `t=${NOW},v1=${'ä'.repeat(64)}`, 'malformed-signature'],
    ['more parts than Stripe ever writes', `t=${NOW},v1=${good}${',v2=x'.repeat(31)}`, 'malformed-signature'],
    ['another t than was signed', `t=${NOW + 1},v1=${good}`, 'wrong-signature'],
  ])('is rejected for %s', (_case, header, reason) => {
    expect(verify(header)).toBe(reason);
    if (typeof header === 'string')
      expect(stripeAccepts(header, BODY)).toBe(header.includes('t=') && isLenient(header));
  });

  /** The four that Stripe's parser lets pass and never writes. */
  function isLenient(header: string): boolean {
    return (
      header === `t=${NOW}x,v1=${good}` || header === `t=0${NOW},v1=${good}` || /,(t=\d+|v2=x)$/.test(header)
    );
  }

  it('may have as many parts as secrets could ever be valid at once', () => {
    expect(verify(`t=${NOW}${',v1=old'.repeat(30)},v1=${good}`)).toBe('ok');
  });

  it('never verifies without a secret', () => {
    expect(verify(`t=${NOW},v1=${sign(BODY, '')}`, { secrets: [] })).toBe('wrong-signature');
  });

  it('never makes verify throw, and never passes where Stripe would not accept it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        `t=${NOW}`,
        `v1=${good}`,
        `v1=${sign(BODY, OTHER)}`,
        't=',
        'v1=',
        'v0=1',
        ' ',
        '=',
        ',,',
        't=-1',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const header = pieces.join(',');
        if (verify(header) === 'ok') expect(stripeAccepts(header, BODY)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('verifies for any body, and for none with one byte changed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, flip) => {
          const body = Buffer.from(bytes);
          const header = `t=${NOW},v1=${sign(body)}`;
          expect(verify(header, { body })).toBe('ok');
          body[at % body.length]! ^= flip;
          expect(verify(header, { body })).toBe('wrong-signature');
        },
      ),
    );
  });

  it('agrees with Stripe on any text, signed by either', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }), (payload) => {
        fc.pre(!payload.startsWith('\ufeff'));
        const body = Buffer.from(payload);
        const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: NOW });
        expect(verify(header, { body })).toBe('ok');
        expect(stripeAccepts(`t=${NOW},v1=${sign(body)}`, body)).toBe(true);
      }),
    );
  });
});

describe('the connector verifies', () => {
  const options: StripeOptions = {
    apiKey: 'sk_test_1',
    webhookSecrets: [SECRET],
    connections: { acct_1: { webhookSecrets: [OTHER] }, acct_2: {} },
  };

  function verdict(connectionId: string, secret: string, overrides: Partial<StripeOptions> = {}) {
    const { connector } = stripe({ ...options, ...overrides });
    const headers = { 'stripe-signature': `t=${NOW},v1=${sign(BODY, secret)}` };
    return connector.verify({ body: BODY, headers, connectionId, search: '' }, NOW * 1000);
  }

  it("with the secrets of the URL's connection and no other", () => {
    expect(verdict('default', SECRET)).toEqual({ ok: true });
    expect(verdict('acct_1', OTHER)).toEqual({ ok: true });
    expect(verdict('default', OTHER)).toEqual({ ok: false, reason: 'wrong-signature' });
    expect(verdict('acct_1', SECRET)).toEqual({ ok: false, reason: 'wrong-signature' });
  });

  it('nothing for a connection without secrets, unknown, or named like a property of objects', () => {
    for (const connectionId of ['acct_2', 'acct_3', 'constructor', '__proto__']) {
      expect(verdict(connectionId, SECRET)).toEqual({ ok: false, reason: 'wrong-signature' });
    }
  });

  it.each([[undefined], [null], ['whsec_first'], [[]], [['', '  \n', undefined]]])(
    'nothing with webhookSecrets %j',
    (secrets) => {
      const webhookSecrets = secrets as never;
      for (const secret of ['', '  \n', 'w', SECRET])
        expect(verdict('default', secret, { webhookSecrets }).ok).toBe(false);
    },
  );

  it('with a secret beside one that is not set', () => {
    expect(verdict('default', SECRET, { webhookSecrets: [undefined as never, SECRET] }).ok).toBe(true);
  });

  it('within the tolerance that it is given', () => {
    const { connector } = stripe({ ...options, toleranceSeconds: 10 });
    const headers = { 'stripe-signature': `t=${NOW},v1=${sign(BODY)}` };
    const delivery = { body: BODY, headers, connectionId: 'default', search: '' };
    expect(connector.verify(delivery, (NOW + 10) * 1000)).toEqual({ ok: true });
    expect(connector.verify(delivery, (NOW + 11) * 1000)).toEqual({ ok: false, reason: 'too-old' });
    expect(connector.verify({ ...delivery, headers: {} }, NOW * 1000)).toEqual({
      ok: false,
      reason: 'no-signature',
    });
  });
});
