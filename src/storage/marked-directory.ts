import { randomUUID } from 'node:crypto';
import type { StatsFs } from 'node:fs';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverCode, messageOf } from '../kernel/errors.js';
import { OneLook } from './one-look.js';

const MARKER = '.dm-storage';
/** A file system that has not answered for so long hangs. */
const LOOK_LIMIT_MS = 10_000;

/**
 * A directory tree that copies go to, as a place that can be there or not. A marker file at its root, known to the
 * station since the first start, tells the mounted file system from the empty directory below its mount point, which
 * would fill the local disk.
 */
export class MarkedDirectory {
  private readonly markerLook: OneLook<string | undefined>;
  private readonly spaceLook: OneLook<StatsFs>;

  /** `title`: how messages name it, `The storage area`; `knownIdFile`: where the station keeps what it knows. */
  constructor(
    readonly root: string,
    private readonly title: string,
    private readonly knownIdFile: string,
    lookLimitMs = LOOK_LIMIT_MS,
  ) {
    this.markerLook = new OneLook(() => readIfThere(join(this.root, MARKER)), lookLimitMs);
    this.spaceLook = new OneLook(() => statfs(this.root), lookLimitMs);
  }

  /** First start: makes the directory and its marker. Later starts only look. */
  async initialize(): Promise<void> {
    if ((await this.knownId()) !== undefined) {
      return;
    }
    await mkdir(this.root, { recursive: true });
    const id = (await readIfThere(join(this.root, MARKER)))?.trim() ?? randomUUID();
    await writeFile(join(this.root, MARKER), `${id}\n`);
    await writeFile(`${this.knownIdFile}.new`, JSON.stringify({ root: this.root, id }), { mode: 0o600 });
    await rename(`${this.knownIdFile}.new`, this.knownIdFile);
  }

  /** Why it cannot be used now; undefined when it can. */
  async absence(): Promise<string | undefined> {
    try {
      const [known, found] = await Promise.all([this.knownId(), this.markerLook.look()]);
      if (found === undefined) {
        return `${this.title} ${this.root} is not mounted: its marker ${MARKER} is missing. Mount it; files wait meanwhile.`;
      }
      return known === undefined || known === found.trim()
        ? undefined
        : `Another file system is mounted at ${this.root} than this station knows. Mount the right one, or remove ${this.knownIdFile} if the change is meant.`;
    } catch (error) {
      return `${this.title} ${this.root} cannot be read (${driverCode(error) ?? messageOf(error)}). Check the mount; files wait meanwhile.`;
    }
  }

  async freeBytes(): Promise<number> {
    const stats = await this.spaceLook.look();
    return stats.bavail * stats.bsize;
  }

  private async knownId(): Promise<string | undefined> {
    const text = await readIfThere(this.knownIdFile);
    if (text === undefined) {
      return undefined;
    }
    const known = JSON.parse(text) as { root: string; id: string };
    return known.root === this.root ? known.id : undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
