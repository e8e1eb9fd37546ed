import type { ApiAnswer } from '../fake-provider/api-request.js';
import { SalesforceApiError, notFound, sessionExpired } from './api-error.js';
import type { SalesforceRequest } from './api-request.js';
import { BulkIngestApi } from './bulk/bulk-ingest-api.js';
import { BulkQueryApi } from './bulk/bulk-query-api.js';
import { collectionRoutes } from './collections.js';
import { describeRoutes } from './describe.js';
import { QueryApi } from './query-api.js';
import { replicationRoutes } from './replication.js';
import type { ApiParts, Route } from './route.js';
import { sobjectRoutes } from './sobjects.js';

/** Everything that there is below `/services`. */
export class Api {
  private readonly routes: readonly Route[];
  private readonly bulkQueries: BulkQueryApi;
  private readonly bulkIngests: BulkIngestApi;

  constructor(private readonly parts: ApiParts) {
    this.bulkQueries = new BulkQueryApi(parts);
    this.bulkIngests = new BulkIngestApi(parts);
    this.routes = [
      ...new QueryApi(parts).routes(),
      ...replicationRoutes(parts),
      ...describeRoutes(parts),
      ...collectionRoutes(parts),
      ...sobjectRoutes(parts),
      ...this.bulkQueries.routes(),
      ...this.bulkIngests.routes(),
    ];
  }

  /** Forgets all bulk jobs. */
  deleteJobs(): void {
    this.bulkQueries.jobs.deleteAll();
    this.bulkIngests.jobs.deleteAll();
  }

  /** @throws SalesforceApiError for every other answer */
  run(request: SalesforceRequest): ApiAnswer {
    const { method, path } = request.entry;
    const { sessions, limits, faults } = this.parts;
    if (method === 'POST' && path === '/services/oauth2/token') return sessions.token(request.text);
    if (method === 'POST' && path.startsWith('/services/Soap/u/')) return sessions.soapLogin(request.text);
    if (faults.unauthorized || !sessions.isValid(request.headers.authorization)) throw sessionExpired();
    limits.count();
    const [, version, below] = /^\/services\/data\/(v\d+\.0)(\/.*)$/.exec(path) ?? [];
    if (!version || !below) throw notFound();
    const matched = this.routes.filter(([, pattern]) => pattern.test(below));
    const route = matched.find(([wanted]) => wanted === method);
    if (!route && matched.length > 0)
      throw new SalesforceApiError(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed`);
    if (!route) throw notFound();
    const parts = route[1]
      .exec(below)!
      .slice(1)
      .map((part) => decodeURIComponent(part ?? ''));
    return route[2]({ request, version, parts });
  }
}
