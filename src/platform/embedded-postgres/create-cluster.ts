import { chmod, chown, readFile, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import type { PostgresBinaries } from './binaries.js';
import type { ClusterPlace } from './cluster-place.js';
import { ensureOwnDirectory, syncDirectory, writeFileDurably } from './own-directory.js';
import { run, toolError } from './processes.js';

/** The superuser and owner of everything in the embedded server. */
export const SUPERUSER = 'dm';

/** A new cluster needs about 40 MB, its first log segments another 100. */
const BYTES_NEEDED = 150 * 1024 * 1024;

/**
 * Makes the cluster when there is none. It is made under another name and renamed when it is complete, so a half-finished
 * one (a kill -9 in the middle) is never taken for a database; the next start begins again.
 */
export async function ensureCluster(place: ClusterPlace, binaries: PostgresBinaries, password: string): Promise<void> {
  const version = await clusterVersion(place.clusterDirectory);
  if (version === undefined) {
    await createCluster(place, binaries, password);
    return;
  }
  if (version !== String(binaries.major)) {
    throw new StationError(
      'conflict',
      'POSTGRES_MAJOR_VERSION_MISMATCH',
      `The database in ${place.clusterDirectory} was made by PostgreSQL ${version}, but this release brings PostgreSQL ${binaries.major}, which cannot read it. Start the release that made it and move the data over with an export and import.`,
      { details: { found: version, brought: binaries.major } },
    );
  }
}

async function clusterVersion(clusterDirectory: string): Promise<string | undefined> {
  try {
    return (await readFile(join(clusterDirectory, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

async function createCluster(place: ClusterPlace, binaries: PostgresBinaries, password: string): Promise<void> {
  const { account, clusterDirectory } = place;
  const parent = dirname(clusterDirectory);
  await checkSpace(parent);
  const unfinished = `${clusterDirectory}.unfinished`;
  const passwordFile = `${clusterDirectory}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await ensureOwnDirectory(unfinished, 0o700, account);
  // initdb reads the password as the server's account, which must not be able to read ours.
  await writeFileDurably(passwordFile, `${password}\n`, 0o600, account);
  try {
    const outcome = await run(binaries.initdb, initdbArguments(unfinished, passwordFile), {
      account,
      timeoutMs: 300_000,
    });
    if (outcome.code !== 0) {
      throw toolError('Creating the database (initdb)', outcome.output);
    }
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, clusterDirectory);
  await syncDirectory(parent);
  if (account !== undefined) {
    await chown(clusterDirectory, account.uid, account.gid);
  }
  await chmod(clusterDirectory, 0o700);
}

function initdbArguments(directory: string, passwordFile: string): string[] {
  return [
    `--pgdata=${directory}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Byte order, the same on every machine: an index never breaks when the operating system's collations change.
    '--locale=C',
    '--data-checksums',
  ];
}

async function checkSpace(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < BYTES_NEEDED) {
    throw new StationError(
      'unavailable',
      'POSTGRES_DISK_FULL',
      `Creating the database needs ${BYTES_NEEDED / 1024 / 1024} MB, but the disk of ${directory} has ${Math.floor((bavail * bsize) / 1024 / 1024)} MB left. Free some space, or choose another disk with DM_DATA_DIR.`,
      { details: { directory, freeBytes: bavail * bsize } },
    );
  }
}
