import { link, lstat, rename, rm, unlink } from 'node:fs/promises';
import { driverCode, StationError } from '../../kernel/errors.js';
import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import { textToPath } from '../../kernel/path-text.js';
import { type AreaRights, requireInside, syncDirectory } from '../../storage/index.js';
import { TRASH } from '../system-places.js';
import { type FileTaskItem, type ItemOutcome, leftOut } from './file-task.js';

/** Of one task, relative to the experiment's directory: on the same file system, so that nothing is ever copied. */
export function trashOf(taskId: string): Buffer {
  return joinBytes(TRASH, Buffer.from(taskId));
}

/** Where the file of an item goes; its own name, so that a person finds it without the station, too. */
export function trashPathOf(taskId: string, { document }: Pick<FileTaskItem, 'document'>): Buffer {
  return joinBytes(trashOf(taskId), Buffer.from(`v${document.version}`), textToPath(document.path));
}

/** Moves a file within the experiment, never over another one, and makes both directories durable. */
export class ExperimentFiles {
  constructor(
    private readonly experiment: Buffer,
    private readonly rights: AreaRights,
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
    try {
      await requireInside(this.experiment, directoryOf(source));
      await this.rights.makeDirectories(this.experiment, directoryOf(target));
    } catch (error) {
      if (error instanceof StationError && error.code === 'LEADS_OUTSIDE') {
        return leftOut('leads-outside', error.message);
      }
      throw error;
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
}
