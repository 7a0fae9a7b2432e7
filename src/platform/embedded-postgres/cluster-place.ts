import { access, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import { stopClusterProcesses } from './cluster-processes.js';
import type { ClusterPaths, ClusterState } from './cluster-state.js';
import { lookUp } from './os-account.js';
import { ensureOwnDirectory, writeFileDurably } from './own-directory.js';
import { type OsAccount, run } from './processes.js';

/** Marks a cluster outside of its data directory with whose it is. */
const OWNER_FILE = 'station.json';

export interface ClusterPlace {
  /** The cluster directory (PGDATA); it may not exist yet, the directory around it does. */
  clusterDirectory: string;
  /** Who runs the server: the owner of the cluster where there is one. */
  account: OsAccount | undefined;
}

export interface PlaceRequest {
  paths: ClusterPaths;
  state: ClusterState;
  account: OsAccount | undefined;
  /** Whether `account` was asked for by name, so that an existing cluster should change hands. */
  accountIsWanted: boolean;
  runtimeDirectory: string;
}

/**
 * Decides where the cluster lies: where it was recorded or is found, else inside of the data directory, else, when the
 * server's account cannot get there, below the runtime directory under the instance's id.
 */
export async function placeCluster(request: PlaceRequest): Promise<ClusterPlace> {
  const existing = await findExisting(request);
  if (existing !== undefined) {
    return useExisting(request, existing);
  }
  const { paths, account } = request;
  if (account === undefined || (await canEnter(account, paths.directory))) {
    return { clusterDirectory: paths.cluster, account };
  }
  const clusterDirectory = join(await outsideDirectory(request), 'cluster');
  return { clusterDirectory, account };
}

/** Asks the operating system as that account, since modes alone do not tell (ACLs, network file systems, mounts). */
export async function canEnter(account: OsAccount, directory: string): Promise<boolean> {
  return (await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { account })).code === 0;
}

async function findExisting({ paths, state, runtimeDirectory }: PlaceRequest): Promise<string | undefined> {
  if (state.clusterDirectory !== undefined && (await isCluster(state.clusterDirectory))) {
    return state.clusterDirectory;
  }
  if (await isCluster(paths.cluster)) {
    return paths.cluster;
  }
  // The record may be lost; an empty database in place of the station's own would be worse than any search.
  const directory = join(runtimeDirectory, 'clusters');
  for (const name of await readdir(directory).catch(() => [])) {
    const owner = await readOwner(join(directory, name));
    if (owner?.dataDirectory === paths.dataDirectory && (await isCluster(join(directory, name, 'cluster')))) {
      return join(directory, name, 'cluster');
    }
  }
  return undefined;
}

async function isCluster(directory: string): Promise<boolean> {
  return access(join(directory, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

async function useExisting(request: PlaceRequest, clusterDirectory: string): Promise<ClusterPlace> {
  await claim(request, clusterDirectory);
  const { uid } = await stat(clusterDirectory);
  const self = process.getuid?.();
  if (self !== 0) {
    if (self !== undefined && uid !== self) {
      throw new StationError(
        'conflict',
        'POSTGRES_CLUSTER_OWNER',
        `The database in ${clusterDirectory} belongs to the account with number ${uid}. Start the station as that account or as root.`,
      );
    }
    return { clusterDirectory, account: undefined };
  }
  const owner = await lookUp(uid);
  if (owner === undefined || (request.accountIsWanted && owner.uid !== request.account?.uid)) {
    const account = request.account;
    if (account !== undefined) {
      await run('chown', ['-R', '-h', `${account.uid}:${account.gid}`, clusterDirectory], { timeoutMs: 600_000 });
    }
    return checked(clusterDirectory, account);
  }
  return checked(clusterDirectory, owner);
}

async function checked(clusterDirectory: string, account: OsAccount | undefined): Promise<ClusterPlace> {
  if (account !== undefined && !(await canEnter(account, clusterDirectory))) {
    throw new StationError(
      'conflict',
      'POSTGRES_CLUSTER_UNREACHABLE',
      `The account ${account.name}, which runs the database, can no longer enter ${clusterDirectory}. Let it pass through the directories above (chmod o+x), or move the data directory to where it can.`,
    );
  }
  return { clusterDirectory, account };
}

interface Owner {
  dataDirectory: string;
  instanceId: string;
}

async function readOwner(directory: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, OWNER_FILE), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

/**
 * A copied data directory names the same outside cluster as its original: two stations on one database. It is refused
 * while the original is there, and taken over when it is gone (the data directory was moved).
 */
async function claim({ paths, state }: PlaceRequest, clusterDirectory: string): Promise<void> {
  const directory = dirname(clusterDirectory);
  const owner = await readOwner(directory);
  if (owner === undefined || owner.dataDirectory === paths.dataDirectory) {
    return;
  }
  const original = await readFile(join(owner.dataDirectory, 'postgres', 'state.json'), 'utf8').catch(() => '');
  if (original.includes(owner.instanceId)) {
    throw new StationError(
      'conflict',
      'POSTGRES_CLUSTER_OF_ANOTHER',
      `${paths.dataDirectory} is a copy of ${owner.dataDirectory}, whose database lies in ${clusterDirectory}. Start the station there, or remove ${paths.directory} to begin with an empty database.`,
      { details: { ...owner } },
    );
  }
  await writeOwner(directory, { dataDirectory: paths.dataDirectory, instanceId: state.instanceId });
}

async function outsideDirectory({ paths, state, account, runtimeDirectory }: PlaceRequest): Promise<string> {
  const clusters = join(await ensureRuntimeDirectory(runtimeDirectory), 'clusters');
  await ensureOwnDirectory(clusters, 0o755);
  await removeTemporary(clusters);
  const directory = join(clusters, state.instanceId);
  await ensureOwnDirectory(directory, 0o711);
  await writeOwner(directory, { dataDirectory: paths.dataDirectory, instanceId: state.instanceId });
  if (account !== undefined && !(await canEnter(account, directory))) {
    throw new StationError(
      'conflict',
      'POSTGRES_NO_PLACE',
      `The account ${account.name}, which runs the database, can enter neither ${paths.directory} nor ${directory}. Name a data directory that it can enter in DM_DATA_DIR.`,
    );
  }
  return directory;
}

/** Stations of tests and demonstrations live in temporary folders; when those are gone, nobody will ask for their data. */
async function removeTemporary(clusters: string): Promise<void> {
  for (const name of await readdir(clusters)) {
    const { dataDirectory } = (await readOwner(join(clusters, name))) ?? {};
    const isTemporary = dataDirectory !== undefined && /^(?:\/private)?(?:\/var)?\/tmp\//.test(dataDirectory);
    if (isTemporary && (await isMissing(dataDirectory))) {
      await stopClusterProcesses(join(clusters, name, 'cluster'), 0);
      await rm(join(clusters, name), { recursive: true, force: true });
    }
  }
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: unknown) => driverCode(error) === 'ENOENT',
  );
}

async function writeOwner(directory: string, owner: Owner): Promise<void> {
  await writeFileDurably(join(directory, OWNER_FILE), `${JSON.stringify(owner)}\n`, 0o644);
}

/** The place for what the server's account cannot reach elsewhere. */
export async function ensureRuntimeDirectory(path: string): Promise<string> {
  await ensureOwnDirectory(path, 0o755);
  return path;
}
