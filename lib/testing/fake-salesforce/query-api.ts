import type { ApiAnswer } from '../fake-provider/api-request.js';
import { malformedQuery, SalesforceApiError } from './api-error.js';
import { ok, type ApiParts, type Call, type Route } from './route.js';
import { SoqlEvaluation } from './soql/soql.evaluation.js';
import { parseSoql } from './soql/soql.parser.js';

/** The largest batch, and the one without a wish. */
const BATCH = 2_000;
const SMALLEST_BATCH = 200;

/** Longest address of a request: a query beyond it is refused (docs: "REST API Developer Guide", 431 and 414). */
const LONGEST_QUERY = 100_000;

interface Cursor {
  readonly rows: readonly object[];
  readonly batch: number;
}

/** `query`, `queryAll` and the pages after the first. */
export class QueryApi {
  private readonly cursors = new Map<string, Cursor>();

  constructor(private readonly parts: ApiParts) {}

  routes(): Route[] {
    return [
      ['GET', /^\/query\/?$/, (call) => this.first(call, false)],
      ['GET', /^\/queryAll\/?$/, (call) => this.first(call, true)],
      ['GET', /^\/query(?:All)?\/([^/]+)$/, (call) => this.next(call)],
    ];
  }

  private first({ request, version }: Call, withDeleted: boolean): ApiAnswer {
    const soql = request.entry.query.q;
    if (!soql) throw malformedQuery('A query string has to be specified');
    if (soql.length > LONGEST_QUERY)
      throw new SalesforceApiError(400, 'QUERY_TOO_COMPLICATED', 'the query is too long');
    const evaluation = new SoqlEvaluation(this.parts.store, parseSoql(soql));
    const records = evaluation.matching(withDeleted);
    if (evaluation.isCount) return ok({ totalSize: records.length, done: true, records: [] });
    const rows = records.map(evaluation.renderer(version));
    const wish = /batchSize=(\d+)/.exec(String(request.headers['sforce-query-options'] ?? ''))?.[1];
    const batch = wish ? Math.min(BATCH, Math.max(SMALLEST_BATCH, Number(wish))) : BATCH;
    if (rows.length <= batch) return ok({ totalSize: rows.length, done: true, records: rows });
    const id = `01g${this.parts.store.nextId('01g').slice(3)}`;
    this.cursors.set(id, { rows, batch });
    return ok(this.page(id, 0, version));
  }

  private next({ parts: [locator = ''], version }: Call): ApiAnswer {
    const [id = '', at = ''] = locator.split('-');
    if (!this.cursors.has(id) || !/^\d+$/.test(at))
      throw new SalesforceApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
    return ok(this.page(id, Number(at), version));
  }

  private page(id: string, from: number, version: string): object {
    const { rows, batch } = this.cursors.get(id)!;
    const to = from + batch;
    const done = to >= rows.length;
    return {
      totalSize: rows.length,
      done,
      ...(!done && { nextRecordsUrl: `/services/data/${version}/query/${id}-${to}` }),
      records: rows.slice(from, to),
    };
  }
}
