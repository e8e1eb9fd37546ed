/** A resource that can be listed whole. */
export interface ListedResource {
  readonly resource: string;
  /** Whether a listing can be cut to those created within a time. */
  readonly byTime: boolean;
}

/** One page of a listing. */
export interface ListRequest {
  readonly connectionId: string;
  readonly resource: string;
  /** Created at that time or later. */
  readonly from: Date | null;
  /** Created before that time. */
  readonly to: Date | null;
  /** As the page before said; `null`: the first one. */
  readonly page: string | null;
}

export interface ListedRecord {
  readonly id: string;
  /** As a single read would give it; `null` where the listing has less of it. */
  readonly data: object | null;
}

export interface ListPage {
  readonly records: readonly ListedRecord[];
  /** Where to go on; `null`: this was the last page. Means something to the connector alone. */
  readonly next: string | null;
  /** When the last record of the page was created, if pages are newest first: everything younger is listed. */
  readonly reached: Date | null;
  /**
   * The records are as they were when an earlier page was asked for, the last one before it that does not say so: what was
   * read then is handed over now. @default false: as they are now
   */
  readonly asBefore?: boolean;
  /** There is nothing at `next` before so many milliseconds have passed. Costs no attempt. @default 0 */
  readonly againInMs?: number;
}
