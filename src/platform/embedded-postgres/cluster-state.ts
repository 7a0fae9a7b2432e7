import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import { writeFileDurably } from './own-directory.js';

/** What `<data directory>/postgres/state.json` records about the server. */
export interface ClusterState {
  /** Random; names the cluster where it lies outside of the data directory. */
  instanceId: string;
  /** Where the cluster is (absolute), once that has been decided. */
  clusterDirectory?: string;
  /** The port of the last start, tried first at the next, so that URLs that people noted stay right. */
  port?: number;
}

/** The names of everything that an embedded server keeps in the data directory. */
export class ClusterPaths {
  readonly directory: string;
  readonly state: string;
  readonly password: string;
  readonly log: string;
  readonly cluster: string;

  constructor(readonly dataDirectory: string) {
    this.directory = join(dataDirectory, 'postgres');
    this.state = join(this.directory, 'state.json');
    this.password = join(this.directory, 'password');
    this.log = join(this.directory, 'postgres.log');
    this.cluster = join(this.directory, 'cluster');
  }
}

export async function readState(paths: ClusterPaths): Promise<ClusterState> {
  const text = await readFile(paths.state, 'utf8').catch((error: unknown) => {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  });
  if (text === undefined) {
    return { instanceId: randomBytes(8).toString('hex') };
  }
  try {
    const state = JSON.parse(text) as ClusterState;
    // A cluster inside is recorded relative, so that a data directory can be moved as a whole.
    return state.clusterDirectory === undefined
      ? state
      : { ...state, clusterDirectory: resolve(paths.dataDirectory, state.clusterDirectory) };
  } catch (error) {
    throw new StationError(
      'conflict',
      'POSTGRES_STATE_UNREADABLE',
      `${paths.state} is damaged. It should be JSON with "instanceId" and "clusterDirectory"; restore it, or remove it if the cluster is in ${paths.cluster}.`,
      { cause: error },
    );
  }
}

/** Writes what changed; nothing when nothing did, so that a server can start on a disk that is full. */
export async function writeState(paths: ClusterPaths, state: ClusterState): Promise<void> {
  const inside =
    state.clusterDirectory === undefined ? undefined : relative(paths.dataDirectory, state.clusterDirectory);
  const clusterDirectory =
    inside === undefined || inside.startsWith('..') || isAbsolute(inside) ? state.clusterDirectory : inside;
  const text = `${JSON.stringify({ ...state, clusterDirectory }, undefined, 2)}\n`;
  if (text !== (await readFile(paths.state, 'utf8').catch(() => ''))) {
    await writeFileDurably(paths.state, text);
  }
}

/** The superuser's password: generated once, only ever in this file of mode 0600. */
export async function ensurePassword(paths: ClusterPaths): Promise<string> {
  const found = await readFile(paths.password, 'utf8').catch((error: unknown) => {
    if (driverCode(error) === 'ENOENT') {
      return '';
    }
    throw error;
  });
  if (found.trim() !== '') {
    return found.trim();
  }
  const password = randomBytes(24).toString('hex');
  await writeFileDurably(paths.password, `${password}\n`, 0o600);
  return password;
}
