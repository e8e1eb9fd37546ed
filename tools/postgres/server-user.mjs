import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Postgres refuses to run as root: root runs it as somebody who is there already.
 * @returns {{ uid?: number, gid?: number }} empty for whoever may run it himself
 */
export function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0);
  const named = (name) => users.find((user) => user.name === name);
  const user = named('postgres') ?? named('_postgres') ?? named('nobody') ?? users[0];
  if (!user) throw new Error('it refuses to run as root, and /etc/passwd names nobody else.');
  return { uid: user.uid, gid: user.gid };
}

/** Whether the user may pass through a folder and all those above it. */
export function mayEnter(folder, user) {
  if (user.uid === undefined) return true;
  const { mode, uid, gid } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  const parent = dirname(folder);
  return (mode & bit) !== 0 && (parent === folder || mayEnter(parent, user));
}
