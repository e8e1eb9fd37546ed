import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { NOT_FETCHABLE, STRIPE_PATHS } from '../../lib/connectors/stripe/stripe.paths.js';
import { pathOf, recordIdIn, recordIdOf } from '../../lib/connectors/stripe/stripe.record-id.js';

const SDK = join(process.cwd(), 'node_modules/stripe/esm/resources');
const sources = new Map<string, string>();

function read(file: string): string {
  if (!sources.has(file)) sources.set(file, readFileSync(join(SDK, file), 'utf8'));
  return sources.get(file)!;
}

/** Everything that the SDK can retrieve by v1: the path, its placeholders without names, and the kind of what comes. */
const retrievable = (readdirSync(SDK, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.js') && !file.startsWith('V2'))
  .flatMap((file) => {
    const types = file.replace(/js$/, 'd.ts');
    const methods = read(file).matchAll(
      /^    (retrieve\w*)\([^)]*\) \{\s*(?:if \(.*\{\s*)?return this\._makeRequest\('GET', [`'](.*?)[`'],/gm,
    );
    return [...methods].map(([, method, path]) => ({
      path: anonymous(path!.replace(/\$\{.*?\}/g, '{}')),
      kinds: kindsReturned(types, method!),
    }));
  });

/** Read in another way, or not by an id. */
const LEFT_OUT: Record<string, string> = {
  '/v1/account': 'the same as /v1/accounts/{}',
  '/v1/billing/credit_balance_summary': 'a computation with parameters, and no id',
  '/v1/customers/{}/payment_methods/{}': 'the same as /v1/payment_methods/{}',
  '/v1/treasury/financial_accounts/{}/features': 'a part of the financial account, and no id',
};

const table = Object.entries(STRIPE_PATHS).flatMap(([resource, templates]) =>
  templates.map((template) => ({ resource, template, path: anonymous(template) })),
);

describe('the table of resources, held against the SDK', () => {
  it('finds the methods of the SDK', () => {
    expect(retrievable.length).toBeGreaterThan(110);
    const methods = [...sources]
      .filter(([file]) => file.endsWith('.js'))
      .flatMap(([, text]) => text.match(/^    retrieve\w*\(/gm) ?? []);
    expect(retrievable).toHaveLength(methods.length);
  });

  it.each(retrievable)('has $path', ({ path, kinds }) => {
    if (LEFT_OUT[path]) return;
    const resources = table.filter((entry) => entry.path === path).map((entry) => entry.resource);
    expect(resources).not.toEqual([]);
    expect(kinds).toEqual(expect.arrayContaining(resources));
    // What comes by several paths (an old `source` is also a customer's) is in the table by one of them.
    expect(Object.keys(STRIPE_PATHS)).toEqual(expect.arrayContaining(kinds));
  });

  it('has nothing that the SDK does not have', () => {
    const known = retrievable.map(({ path }) => path);
    expect(
      [...table.map(({ path }) => path), ...Object.keys(LEFT_OUT)].filter((path) => !known.includes(path)),
    ).toEqual([]);
  });

  it('tells what can be fetched', () => {
    const { connector } = stripe({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] });
    for (const { resource } of table) expect(connector.fetchable(resource)).toBe(true);
    for (const [resource, reason] of Object.entries(NOT_FETCHABLE)) {
      expect(connector.fetchable(resource)).toBe(false);
      expect(reason).not.toBe('');
    }
    for (const resource of ['', 'invoices', 'v2.core.account', 'constructor', '__proto__', 'toString']) {
      expect(connector.fetchable(resource)).toBe(false);
    }
  });
});

describe('a record id', () => {
  it.each(table)('of $resource leads to $template and back', ({ resource, template }) => {
    const fields = [...template.matchAll(/\{(\w+)\}/g)].map(([, field]) => field!);
    const object = Object.fromEntries(
      fields.map((field) => [field, field === 'account' ? 'acct_1' : `${field}_1`]),
    );
    const id = recordIdOf(resource, object)!;
    expect(id).toBe(Object.values(object).join('/') || resource);

    const place = pathOf(resource, id)!;
    expect(place.template).toBe(template);
    expect(place.path).toBe(template.replace(/\{(\w+)\}/g, (_all, field) => object[field]!));
    expect(place.ownId).toBe(object.id ?? null);
    expect(recordIdIn(resource, place.path)).toBe(id);
  });
});

function anonymous(path: string): string {
  return path.replace(/\{.*?\}/g, '{}');
}

function kindsReturned(file: string, method: string): string[] {
  const returned = new RegExp(`^    ${method}\\([^;]*?\\): Promise<Response<([^;]*)>>;`, 'm').exec(
    read(file),
  )![1]!;
  return [...new Set(returned.split(' | ').flatMap((type) => kindsOf(file, type)))].sort();
}

/** The values that a type's `object` may have. */
function kindsOf(file: string, type: string): string[] {
  const text = read(file);
  const [, base, body] =
    new RegExp(`^export interface ${type}(?: extends (\\w+))? \\{(.*?)^\\}`, 'ms').exec(text) ?? [];
  const own = body && /^    object: '(.*)';/m.exec(body);
  if (own) return [own[1]!];
  if (base) return kindsOf(file, base);
  const union = new RegExp(`^export type ${type} = (.*);`, 'm').exec(text)?.[1];
  if (union) return union.split(' | ').flatMap((member) => kindsOf(file, member));
  const from = new RegExp(`^import \\{[^}]*\\b${type}\\b[^}]*\\} from '(.*)\\.js';`, 'm').exec(text);
  if (!from) throw new Error(`${type} is not in ${file}`);
  return kindsOf(join(dirname(file), `${from[1]}.d.ts`), type);
}
