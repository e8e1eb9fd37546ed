import { SalesforceApiError } from './api-error.js';

/** The calls of a day. */
export class ApiLimits {
  used = 0;

  constructor(public daily: number) {}

  /** @throws SalesforceApiError 403 `REQUEST_LIMIT_EXCEEDED` */
  count(): void {
    if (this.used >= this.daily)
      throw new SalesforceApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
    this.used += 1;
  }

  /** `Sforce-Limit-Info` */
  get header(): string {
    return `api-usage=${this.used}/${this.daily}`;
  }
}
