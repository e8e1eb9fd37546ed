import { ApiChanges } from './api-changes.js';
import { unknownUrl } from './api-error.js';
import { ApiReads } from './api-reads.js';
import type { ApiRequest } from './api-request.js';
import type { Faults } from './faults.js';
import { singletonAt } from './singletons.js';
import type { StripeState } from './state.js';

/** What the API does with a request, once it has been let in. */
export class Api {
  private readonly reads: ApiReads;
  private readonly changes: ApiChanges;

  /** @param eventRetention how long events are kept, in seconds. */
  constructor(
    private readonly state: StripeState,
    faults: Faults,
    now: () => Date,
    eventRetention: number,
  ) {
    this.reads = new ApiReads(state.objects, faults, now, eventRetention);
    this.changes = new ApiChanges(state, this.reads);
  }

  /** The body of the answer. @throws StripeApiError for everything but success. */
  run(request: ApiRequest): object {
    const { method, path, account } = request.entry;
    const { objects } = this.state;
    const single = method === 'GET' ? singletonAt(path, account) : null;
    if (single) return objects.find(single.type, single.id, account) ?? single.blank;
    const place = objects.table.find(path);
    if (!place) throw unknownUrl(method, path);
    return method === 'GET' ? this.reads.read(request, place) : this.changes.change(request, place);
  }
}
