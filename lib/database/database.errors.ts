/**
 * What a database's error means, by its code: PostgreSQL's SQLSTATE, MySQL's `ER_…`, SQLite's `SQLITE_…`, or Node's of a
 * network error. Codes of different origin never look alike.
 */
export function errorCodeOf(error: unknown): string | undefined {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: unknown }; code?: unknown };
  const found = driverError?.code ?? code;
  return typeof found === 'string' ? found : undefined;
}

// Of SQLSTATE, class 22 is data, 23 constraints, 54 limits.
const DATA =
  /^(22|23|54)[0-9A-Z]{3}$|^ER_(DUP|DATA|TRUNCATED|WARN_DATA|BAD_NULL|NO_REFERENCED|ROW_IS_REFERENCED|INVALID_CHARACTER|CHECK_CONSTRAINT|CONSTRAINT_FAILED|CANNOT_CONVERT|NET_PACKET_TOO_LARGE)|^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;
// 26000: a pooler has changed sessions under what was prepared.
const DEADLOCK =
  /^40[0-9A-Z]{3}$|^26000$|^ER_(LOCK_DEADLOCK|LOCK_WAIT_TIMEOUT|CHECKREAD)$|^SQLITE_(BUSY|LOCKED)/;
const AWAY =
  /^08[0-9A-Z]{3}$|^57P0[1-5]$|^55P03$|^53300$|^E(CONN|PIPE|TIMEDOUT)|^PROTOCOL_|^ER_(SERVER_SHUTDOWN|CONNECTION_KILLED|CLIENT_INTERACTION_TIMEOUT|CON_COUNT_ERROR|TOO_MANY_USER_CONNECTIONS|NEW_ABORTING_CONNECTION)$/;
const ANSWER = /^(?!08|57P|40003|E)[0-9A-Z]{5}$|^ER_|^SQLITE_/;

/** The database refuses these values, and will again. */
export function isDataError(error: unknown): boolean {
  return DATA.test(errorCodeOf(error) ?? '');
}

/** Lost to another transaction: the same again may well succeed. */
export function isDeadlock(error: unknown): boolean {
  return DEADLOCK.test(errorCodeOf(error) ?? '');
}

/** Lost to another transaction or to the network: nobody's fault, and worth another try. */
export function isConflict(error: unknown): boolean {
  const code = errorCodeOf(error) ?? '';
  return DEADLOCK.test(code) || AWAY.test(code);
}

/** The database has answered, and the answer is no: nothing was done. Not if it says that its connection ends. */
export function isRefusal(error: unknown): boolean {
  const code = errorCodeOf(error) ?? '';
  return ANSWER.test(code) && !AWAY.test(code);
}
