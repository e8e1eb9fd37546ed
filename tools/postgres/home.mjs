import { createHash } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { mayEnter } from './server-user.mjs';

/** The folder that holds the data and what belongs to it: the given one, or a new temporary one. */
export async function openHome(dataDir, user) {
  const home = dataDir
    ? await keptHome(resolve(dataDir), user)
    : await mkdtemp(join(openFolder(user), prefix));
  if (!mayEnter(home, user)) await chmod(home, 0o711);
  return home;
}

const prefix = 'hybrid-sync-postgres-';

const memory = '/dev/shm';

/** More than data that is thrown away grows to. Containers are often given 64 MB of it. */
const enoughMemoryBytes = 4 * 2 ** 30;

/** A new folder in memory, where there is room for one: for data that need not outlive the server. */
export async function openMemory(user) {
  const room = await statfs(memory).catch(() => null);
  if (!room || room.bavail * room.bsize < enoughMemoryBytes || !mayEnter(memory, user)) return null;
  const home = await mkdtemp(join(memory, prefix)).catch(() => null);
  if (home && !mayEnter(home, user)) await chmod(home, 0o711);
  return home;
}

function openFolder(user) {
  const folder = [tmpdir(), '/tmp', '/var/tmp'].find((path) => existsSync(path) && mayEnter(path, user));
  if (!folder) throw new Error(`the user ${user.uid} that it must run as may enter no temporary folder.`);
  return folder;
}

async function keptHome(dataDir, user) {
  await mkdir(dataDir, { recursive: true });
  if (mayEnter(resolve(dataDir, '..'), user)) return dataDir;

  // Root's own folders are closed to the user that the server must run as: the data lives outside of them.
  const name = prefix + createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const home = join(openFolder(user), name);
  await mkdir(home, { recursive: true });
  const { uid } = lstatSync(home);
  if (uid !== 0) throw new Error(`${home} belongs to somebody else.`);
  return home;
}
