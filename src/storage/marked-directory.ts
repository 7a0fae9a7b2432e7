import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverCode } from '../kernel/errors.js';

const MARKER = '.dm-storage';

/**
 * A directory tree that copies go to, as a place that can be there or not. A marker file at its root, known to the
 * station since the first start, tells the mounted file system from the empty directory below its mount point, which
 * would fill the local disk.
 */
export class MarkedDirectory {
  /** `title`: how messages name it, `The storage area`; `knownIdFile`: where the station keeps what it knows. */
  constructor(
    readonly root: string,
    private readonly title: string,
    private readonly knownIdFile: string,
  ) {}

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
      const [known, found] = await Promise.all([this.knownId(), readIfThere(join(this.root, MARKER))]);
      if (found === undefined) {
        return `${this.title} ${this.root} is not mounted: its marker ${MARKER} is missing. Mount it; files wait meanwhile.`;
      }
      return known === undefined || known === found.trim()
        ? undefined
        : `Another file system is mounted at ${this.root} than this station knows. Mount the right one, or remove ${this.knownIdFile} if the change is meant.`;
    } catch (error) {
      return `${this.title} ${this.root} cannot be read (${driverCode(error) ?? 'unknown'}). Check the mount; files wait meanwhile.`;
    }
  }

  async freeBytes(): Promise<number> {
    const stats = await statfs(this.root);
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
