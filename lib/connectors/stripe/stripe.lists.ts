/** One page of a list, at a path of the API: `/v1/invoices/in_1/lines?limit=100&starting_after=il_9`. */
export type ReadPage = (path: string) => Promise<Readonly<Record<string, unknown>>>;

/** Pages that one record may cost beyond the request for itself: 10,000 rows. */
export const MAX_PAGES = 100;

const PAGE_SIZE = 100;

interface EmbeddedList {
  object: 'list';
  data: unknown[];
  has_more: boolean;
  url: string;
}

/**
 * Completes, in place, the lists that Stripe cut off within a record, at any depth: an invoice's lines, a
 * subscription's items, a charge's refunds. Stripe embeds the first rows and says `has_more`.
 *
 * Not guaranteed: that all rows are of one moment (rows may come and go between two pages, which is an event of its
 * own). A list that is still cut off after `MAX_PAGES` pages in all, or whose rows have no id to go on from, keeps
 * `has_more: true`.
 */
export async function completeLists(record: object, read: ReadPage): Promise<void> {
  let pagesLeft = MAX_PAGES;
  const open: unknown[] = [record];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (isCutOff(value)) pagesLeft -= await complete(value, read, pagesLeft);
    open.push(...Object.values(value));
  }
}

/** How many pages it took. */
async function complete(list: EmbeddedList, read: ReadPage, maxPages: number): Promise<number> {
  let pages = 0;
  while (list.has_more && pages < maxPages) {
    const last = list.data.at(-1) as { id?: unknown } | undefined;
    if (typeof last?.id !== 'string') break;
    const page = await read(pathAfter(list.url, last.id));
    pages++;
    const rows = page.data as unknown[];
    list.data.push(...rows);
    list.has_more = page.has_more === true;
    if (rows.length === 0) break;
  }
  return pages;
}

/** The list's own query (`?subscription=sub_1`) is kept. */
function pathAfter(url: string, id: string): string {
  const [path, query] = url.split('?', 2);
  const params = new URLSearchParams(query);
  params.set('limit', String(PAGE_SIZE));
  params.set('starting_after', id);
  return `${path}?${params.toString()}`;
}

export function isCutOff(value: object): value is EmbeddedList {
  const { object, data, has_more, url } = value as Partial<EmbeddedList>;
  return object === 'list' && has_more === true && Array.isArray(data) && isApiPath(url);
}

/** A URL with a host would take the key elsewhere. */
function isApiPath(url: unknown): url is string {
  return typeof url === 'string' && url.startsWith('/v1/');
}
