import type { RequestEntry } from '../fake-provider/api-request.js';
import { RequestFaults } from '../fake-provider/request-faults.js';

/** One request as the log keeps it: its `path` is `/services/data/v60.0/sobjects/Account`. */
export interface SalesforceRequestEntry extends RequestEntry {
  /** The query's parameters, decoded: `q` is the SOQL of a query. */
  readonly query: Readonly<Record<string, string>>;
  /** The body: JSON is parsed, anything else is text; `null` if there was none. */
  readonly body: unknown;
}

/** What goes wrong at a `FakeSalesforce`. Nothing does by default; every field holds from when it is set. */
export class SalesforceFaults extends RequestFaults<SalesforceRequestEntry> {
  /** So many next reads of single records, and of records by their ids, give the version before the newest. Counts down. */
  staleReads = 0;
  /** Notifications that no outbound message ever brings: a chance from 0 to 1. */
  dropRate = 0;
  /** Outbound messages that come once more after they were acknowledged: a chance from 0 to 1. */
  duplicateRate = 0;
  /** A bulk job is still in progress at the first so many looks at its state. */
  jobLooks = 0;
  /** So many next bulk jobs fail. Counts down. */
  failedJobs = 0;

  /** @internal */
  takeStaleRead(): boolean {
    if (this.staleReads <= 0) return false;
    this.staleReads -= 1;
    return true;
  }

  /** @internal */
  takeFailedJob(): boolean {
    if (this.failedJobs <= 0) return false;
    this.failedJobs -= 1;
    return true;
  }
}
