import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isRunning, ownerOf } from '../bench/pieces/process-ids.ts';
import { atTheEnd } from '../bench/pieces/tidy-up.ts';
import { processesNaming } from '../support/process-tree.ts';

const PREFIX = 'run-';
const MIB = 2 ** 20;

/** Where everything of a run lies. */
export interface Places {
  folder: string;
  /** The station's data directory. */
  data: string;
  /** The storage area: a tmpfs of its own if `isMountable`. */
  storage: string;
  /** Where detectors write; always there. */
  detector: string;
  /** The same as the station sees it: a mount that can be taken away, if `isMountable`. */
  source: string;
  isMountable: boolean;
}

/** `DM_DATA_DIR/chaos`; the data directory is that of `npm start` unless told otherwise. */
export function chaosDirectory(): string {
  const root = resolve(import.meta.dirname, '..', '..');
  return join(resolve(root, process.env['DM_DATA_DIR'] ?? '.dm'), 'chaos');
}

/** The folders and mounts of a run, which go at its end. `bytes`: room for the sources, and as much for the copies. */
export function makePlaces(bytes: number): Places {
  const directory = chaosDirectory();
  mkdirSync(directory, { recursive: true });
  readdirSync(directory).forEach((name) => removeIfLeft(directory, name));
  const folder = join(directory, `${PREFIX}${process.pid}`);
  const places: Places = {
    folder,
    data: join(folder, 'data'),
    storage: join(folder, 'storage'),
    detector: join(folder, 'detector'),
    source: join(folder, 'source'),
    isMountable: false,
  };
  [places.data, places.storage, places.detector, places.source].forEach((path) => mkdirSync(path, { recursive: true }));
  atTheEnd(() => removeFolder(folder));
  const size = `size=${Math.ceil(bytes / MIB)}m`;
  try {
    mount('-t', 'tmpfs', '-o', size, 'dm-chaos', places.storage);
    mount('-t', 'tmpfs', '-o', size, 'dm-chaos', places.detector);
    showSource(places);
    places.isMountable = true;
  } catch {
    // Not root, or a container that may not mount: said by whoever plans the faults.
    unmountBelow(folder);
    rmSync(places.source, { recursive: true });
    places.source = places.detector;
  }
  return places;
}

export function showSource({ detector, source }: Places): void {
  mount('--bind', detector, source);
}

/** At once, though files in it may be open: as a cable that is pulled. */
export function hideSource({ source }: Places): void {
  execFileSync('umount', ['-l', source], { stdio: 'pipe' });
}

export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** The embedded database lies elsewhere where its account cannot reach the data directory. */
export function clusterDirectory(dataDirectory: string): string {
  const file = join(dataDirectory, 'postgres', 'state.json');
  const state = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { clusterDirectory?: string }) : {};
  return resolve(dataDirectory, state.clusterDirectory ?? 'postgres/cluster');
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}

function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  mounts.reverse().forEach((path) => execFileSync('umount', ['-l', path], { stdio: 'pipe' }));
}

function removeFolder(folder: string): void {
  unmountBelow(folder);
  rmSync(clusterDirectory(join(folder, 'data')), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** A run that was killed -9 could neither end its processes nor take its memory back. */
function removeIfLeft(directory: string, name: string): void {
  const owner = ownerOf(name, PREFIX);
  if (owner !== undefined && !isRunning(owner)) {
    const folder = join(directory, name);
    processesNaming(`${folder}/`).forEach((pid) => process.kill(pid, 'SIGKILL'));
    removeFolder(folder);
  }
}
