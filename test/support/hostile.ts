import fc from 'fast-check';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';

/** Events as a provider sends them, and what a hostile or broken sender might make of them. For properties. */

const ODD_TEXTS = ['', ' ', '\0', 'a\0b', '\ud83d', '\udc00\ud83d', '\uffff', '__proto__', 'constructor'];
const ODD_NUMBERS = [0, -0, -1, 0.5, 2 ** 53 + 1, 1e308, 5e-324, -62_135_596_801, 8e12];

/** Any value that JSON can hold, the nasty ones more often. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...ODD_TEXTS, ...ODD_NUMBERS, null, true, [], {}, [[]], { id: 'x' }),
  fc.constantFrom(300, 5_000).map((length) => 'é'.repeat(length)),
  fc.constant(255).map((length) => '\u4e2d'.repeat(length)),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** One thing done to an event: the field that a number picks is removed, or is something else. */
const mutation = fc.record({ at: fc.nat(), to: fc.option(value, { nil: undefined }) });

/** What is done to the text, after all else: JSON that no serializer would write. */
const TEXTS: ((json: string) => string)[] = [
  (json) => `\ufeff${json}`,
  (json) => `\r\n\t ${json} \n`,
  (json) =>
    json.replace('{', '{"__proto__":{"id":"evt_p","account":"acct_p"},"constructor":{"prototype":1},'),
  (json) => json.replace('{', '{"id":"evt_first","id":{"toString":1},'),
  (json) => json.replace(/\}$/, ',"livemode":1,"livemode":2}'),
  (json) => json.replace('{', '{"n":[1e999,-1e999,123456789012345678901234567890,0.1e-400],'),
  (json) => json.replace('{', `{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)},`),
  (json) => json.replace('{', `{"deep":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)},`),
  (json) => json.replace('{', '{"\\u0000":"\\u0000\\ud83d\\udc00","\\ud83d":"\\u2028",'),
  (json) => json.replace('{', '{"a":"\u2028\u2029\u0085\u200b\u202e",'),
  (json) => json.slice(0, -1),
  (json) => `${json}${json}`,
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace('{', '{"raw":"\0",'),
  (json) => json.replace('{', '{// a comment\n'),
];

/** A body: mostly an event with a few things wrong, sometimes nothing of the kind. `templates`: JSON of real events. */
export function hostileBody(templates: readonly string[]): fc.Arbitrary<Buffer> {
  const event = fc
    .record({
      template: fc.constantFrom(...templates),
      id: fc.uuid(),
      mutations: fc.array(mutation, { maxLength: 3 }),
      texts: fc.array(fc.constantFrom(...TEXTS), { maxLength: 2 }),
    })
    .map(({ template, id, mutations, texts }) => {
      const parsed = { ...(JSON.parse(template) as object), id: `evt_${id}` };
      for (const { at, to } of mutations) mutate(parsed, at, to);
      return Buffer.from(texts.reduce((json, change) => change(json), JSON.stringify(parsed)));
    });
  return fc.oneof(
    { weight: 8, arbitrary: event },
    { weight: 1, arbitrary: fc.json({ maxDepth: 5 }).map((json) => Buffer.from(json)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}

function mutate(root: object, at: number, to: unknown): void {
  const fields: [holder: Record<string, unknown>, name: string][] = [];
  const collect = (node: object) => {
    for (const [name, child] of Object.entries(node) as [string, unknown][]) {
      fields.push([node as Record<string, unknown>, name]);
      if (typeof child === 'object' && child !== null) collect(child);
    }
  };
  collect(root);
  if (fields.length === 0) return;
  // Those at the top are what the door looks at: they come up as often as all others together.
  const [holder, name] =
    at % 2 ? fields[(at >> 1) % fields.length]! : fields[(at >> 1) % Math.min(fields.length, 12)]!;
  if (to === undefined) delete holder[name];
  else holder[name] = to;
}

/** How a delivery is signed. `verdict`: what must be said of it, 'ok' if it is signed well. */
export interface Signing {
  verdict: 'ok' | 'no-signature' | 'malformed-signature' | 'wrong-signature' | 'too-old' | 'in-the-future';
  /** The values of the header, one for each time that it stands there. */
  headersFor(body: Buffer): string[];
}

/** @param secret the endpoint's */
export function hostileSigning(secret: string): fc.Arbitrary<Signing> {
  const signed = (body: Buffer, { with: key = secret, at = nowS() } = {}) =>
    signedDelivery({ payload: body, secret: key, timestamp: at }).headers['stripe-signature'];
  const nowS = () => Math.floor(Date.now() / 1000);
  const hexOf = (header: string) => header.split('v1=')[1]!;
  const is = (
    verdict: Signing['verdict'],
    headersFor: (body: Buffer) => string | string[],
  ): fc.Arbitrary<Signing> =>
    fc.constant({ verdict, headersFor: (body) => [headersFor(body)].flat() } satisfies Signing);
  const oddTime = fc.constantFrom('-1', '1e9', '0x5f', '+1', ' 1', '1 ', '1.5', 'Infinity', 'NaN', '', '01');
  return fc.oneof(
    { weight: 25, arbitrary: is('ok', (body) => signed(body)) },
    is('ok', (body) => `${signed(body)},v0=${'0'.repeat(64)},x=y,=,`),
    is('ok', (body) => `t=${nowS()},${`v1=${'0'.repeat(64)},`.repeat(30)}v1=${hexOf(signed(body))}`),
    is('ok', (body) => [signed(body), signed(body)]),
    is('no-signature', () => []),
    is('no-signature', () => ''),
    is('malformed-signature', () => 't=1'),
    is('malformed-signature', (body) => `v1=${hexOf(signed(body))}`),
    is('malformed-signature', (body) => `${signed(body)},t=${nowS()}`),
    is('malformed-signature', (body) => `${signed(body)}${',v1=0'.repeat(1_500)}`),
    is('malformed-signature', () => ','.repeat(8_000)),
    is('malformed-signature', () => '='.repeat(8_000)),
    is('malformed-signature', (body) => `t=\u00b2\u00b3,v1=${hexOf(signed(body))}`),
    // Digits, but not ours, as UTF-8: bytes on the wire.
    is('malformed-signature', (body) => latin1(`t=１７６３９０００００,v1=${hexOf(signed(body))}`)),
    is('malformed-signature', (body) => latin1(`t=${nowS()},v1=${hexOf(signed(body)).slice(1)}é`)),
    oddTime.map((t): Signing => ({
      verdict: 'malformed-signature',
      headersFor: (body) => [`t=${t},v1=${hexOf(signed(body))}`],
    })),
    is('wrong-signature', (body) => `t=${nowS()},v1=${'0'.repeat(64)},v1=${signed(body).length}`),
    is('wrong-signature', () => `t=${nowS()},v1=${'f'.repeat(8_000)}`),
    is('wrong-signature', (body) => `t=999999999999,v1=${hexOf(signed(body))}`),
    is('wrong-signature', (body) => ['t=1,v1=0', signed(body)]),
    is('wrong-signature', (body) => signed(body, { with: 'whsec_other' })),
    is('wrong-signature', (body) => signed(Buffer.concat([body, Buffer.from(' ')]))),
    is('wrong-signature', (body) => signed(body).toUpperCase().replace('T=', 't=').replace('V1=', 'v1=')),
    is('too-old', (body) => signed(body, { at: 0 })),
    is('too-old', (body) => signed(body, { at: nowS() - 400 })),
    is('in-the-future', (body) => signed(body, { at: nowS() + 400 })),
    is('in-the-future', (body) => signed(body, { at: 999_999_999_999 })),
  );
}

/** Text that stands on the wire as UTF-8, where header values are taken as latin-1. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const HEADERS: (readonly [string, string])[] = [
  ['Content-Type', 'application/json'],
  ['Content-Type', 'application/json; charset=utf-16'],
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'multipart/form-data; boundary='],
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['Content-Type', ''],
  ['Content-Type', 'a/b/c;;;=\u00e9'],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'deflate, br'],
  ['Content-Encoding', 'nonsense'],
  ['Expect', '100-continue'],
  ['Upgrade', 'h2c'],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Forwarded-For', '127.0.0.1, ::1'],
  ['Cookie', 'a=b; '.repeat(800)],
  ['Range', 'bytes=0-'],
  ['If-None-Match', '*'],
  ['Accept', 'image/*;q=0'],
  ['Accept-Encoding', 'gzip'],
  ['Trailer', 'Stripe-Signature'],
];

/** Other headers, some of them twice. */
export const hostileHeaders = fc.array(fc.constantFrom(...HEADERS), { maxLength: 5 });
