import { constants } from 'node:fs';
import { link, lstat, mkdir, open, realpath, rename, rm, unlink } from 'node:fs/promises';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, isBelowOrSame, joinBytes } from '../../kernel/path-bytes.js';
import { textToPath } from '../../kernel/path-text.js';
import { type FileTaskItem, type ItemOutcome, leftOut } from './file-task.js';

/** Of one task, relative to the experiment's directory: on the same file system, so that nothing is ever copied. */
export function trashOf(taskId: string): Buffer {
  return Buffer.from(`system/trash/${taskId}`);
}

/** Where the file of an item goes; its own name, so that a person finds it without the station, too. */
export function trashPathOf(taskId: string, { document }: Pick<FileTaskItem, 'document'>): Buffer {
  return joinBytes(trashOf(taskId), Buffer.from(`v${document.version}`), textToPath(document.path));
}

/** Moves a file within the experiment, never over another one, and makes both directories durable. */
export class ExperimentFiles {
  constructor(
    private readonly experiment: Buffer,
    private readonly directoryMode: number,
  ) {}

  at(relative: Uint8Array): Buffer {
    return joinBytes(this.experiment, relative);
  }

  /** Size and inode of a regular file; undefined when nothing, or something else, is there. */
  async factsOf(relative: Uint8Array): Promise<{ sizeBytes: bigint; inode: bigint } | undefined> {
    try {
      const stats = await lstat(this.at(relative), { bigint: true });
      return stats.isFile() ? { sizeBytes: stats.size, inode: stats.ino } : undefined;
    } catch (error) {
      const code = driverCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Repeating it after a crash is safe. The file is looked at again under its new name: if another one had taken the old
   * name in between (a new version), it gets that back.
   */
  async move(from: Uint8Array, to: Uint8Array, expectedInode: bigint): Promise<ItemOutcome | undefined> {
    const [source, target] = [this.at(from), this.at(to)];
    await this.makeDirectory(directoryOf(target));
    if (!(await this.isInside(directoryOf(source))) || !(await this.isInside(directoryOf(target)))) {
      return leftOut('leads-outside', 'A symbolic link leads out of the experiment on the way to it.');
    }
    if ((await this.factsOf(to)) !== undefined) {
      return leftOut('place-taken', 'Another file stands where it should go.');
    }
    await rename(source, target);
    const moved = await this.factsOf(to);
    if (moved?.inode !== expectedInode) {
      await link(target, source).then(
        () => unlink(target),
        () => undefined, // the name is taken again already: this one stays in the trash
      );
      return leftOut('changed', 'A new version took its place at this very moment.');
    }
    await syncDirectory(directoryOf(target));
    await syncDirectory(directoryOf(source));
    return undefined;
  }

  async remove(relative: Uint8Array): Promise<void> {
    await rm(this.at(relative), { recursive: true, force: true });
  }

  async makeDirectory(directory: Buffer): Promise<void> {
    await mkdir(directory, { recursive: true, mode: this.directoryMode });
  }

  private async isInside(directory: Buffer): Promise<boolean> {
    const root = await realpath(this.experiment, 'buffer');
    return isBelowOrSame(await realpath(directory, 'buffer'), root);
  }
}

export async function syncDirectory(directory: Buffer): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
