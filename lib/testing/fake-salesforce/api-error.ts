/** An answer of Salesforce's that is an error. Thrown by the calls of `FakeSalesforce` too, as the API would answer them. */
export class SalesforceApiError extends Error {
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** Salesforce's own word: `INVALID_FIELD`, `NOT_FOUND`, `UNABLE_TO_LOCK_ROW`. */
    readonly errorCode: string,
    message: string,
    /** The fields that it is about. */
    readonly fields: readonly string[] = [],
  ) {
    super(message);
    this.name = 'SalesforceApiError';
  }

  /** The JSON of the answer: an array, of one error here. */
  toBody(): object {
    const { message, errorCode, fields } = this;
    return [{ message, errorCode, ...(fields.length > 0 && { fields }) }];
  }

  /** As collections have it for one row. */
  toRow(): { statusCode: string; message: string; fields: readonly string[] } {
    return { statusCode: this.errorCode, message: this.message, fields: this.fields };
  }
}

export function notFound(message = 'The requested resource does not exist'): SalesforceApiError {
  return new SalesforceApiError(404, 'NOT_FOUND', message);
}

export function noSuchColumn(type: string, field: string): SalesforceApiError {
  return new SalesforceApiError(
    400,
    'INVALID_FIELD',
    `No such column '${field}' on entity '${type}'. If you are attempting to use a custom field, be sure to append the '__c' ` +
      'after the custom field name.',
  );
}

export function noSuchObject(type: string): SalesforceApiError {
  return new SalesforceApiError(400, 'INVALID_TYPE', `sObject type '${type}' is not supported.`);
}

export function malformedQuery(message: string): SalesforceApiError {
  return new SalesforceApiError(400, 'MALFORMED_QUERY', message);
}

export function sessionExpired(): SalesforceApiError {
  return new SalesforceApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
}
