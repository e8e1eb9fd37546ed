/** Something of which an account, or a customer, has exactly one, without an id of its own. */
export interface Singleton {
  readonly type: string;
  /** Under which `FakeStripe.put` keeps it. */
  readonly id: string;
  /** What is shown until something is put. */
  readonly blank: object;
}

const PATHS: [pattern: RegExp, type: string, blank: object][] = [
  [/^\/v1\/balance$/, 'balance', { available: [], livemode: false, pending: [] }],
  [/^\/v1\/balance_settings$/, 'balance_settings', { payments: null }],
  [/^\/v1\/tax\/settings$/, 'tax.settings', { defaults: {}, livemode: false, status: 'pending' }],
  [/^\/v1\/customers\/([^/]+)\/cash_balance$/, 'cash_balance', { available: null, livemode: false }],
];

const ACCOUNT = {
  charges_enabled: true,
  country: 'US',
  default_currency: 'usd',
  details_submitted: true,
  payouts_enabled: true,
  type: 'standard',
};

/** The single thing that is read at a path; `null` where the path leads to objects with ids. */
export function singletonAt(path: string, account: string | null): Singleton | null {
  if (path === '/v1/account') {
    const id = account ?? 'acct_platform';
    return { type: 'account', id, blank: { id, object: 'account', ...ACCOUNT } };
  }
  for (const [pattern, type, blank] of PATHS) {
    const match = pattern.exec(path);
    if (match) return { type, id: match[1] ?? type, blank: { object: type, ...blank } };
  }
  return null;
}

/** What an account, or a customer, has exactly one of looks like at first; `null` for what has an id of its own. */
export function singletonOf(type: string): object | null {
  return PATHS.find(([, other]) => other === type)?.[2] ?? null;
}

/** The key under which an object is stored: its id, or what stands for it in a singleton. */
export function keyOfObject({
  id,
  object,
  customer,
}: {
  id?: unknown;
  object: string;
  customer?: unknown;
}): string {
  return String(id ?? customer ?? object);
}
