import { databaseKind, type DatabaseKind } from './database.js';

/**
 * `it` for a test about something that not every database has; on the others it is shown as skipped.
 * @param because what that is
 */
export function itOn(kinds: DatabaseKind | DatabaseKind[], because: string): jest.It {
  return isOn(kinds, because) ? it : it.skip;
}

/** `describe` in the same way. */
export function describeOn(kinds: DatabaseKind | DatabaseKind[], because: string): jest.Describe {
  return isOn(kinds, because) ? describe : describe.skip;
}

/** Why tests that stop in the middle of a handler need a server: on SQLite nobody else could write meanwhile. */
export const NOBODY_ELSE_WRITES = 'on SQLite a handler has the whole database while it runs';

/** Servers, which many talk to over a network. */
export const SERVERS: DatabaseKind[] = ['postgres', 'mysql'];

function isOn(kinds: DatabaseKind | DatabaseKind[], because: string): boolean {
  if (because === '') throw new Error('say why the other databases do not run it');
  return [kinds].flat().includes(databaseKind);
}
