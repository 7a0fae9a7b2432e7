import { Inject, Injectable } from '@nestjs/common';
import { lstat, readdir, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { driverCode, StationError } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import {
  makeDirectory,
  permitDirectory,
  permissionsOf,
  type ResolvedPermissions,
  resolvePermissions,
  syncDirectory,
} from '../storage/index.js';
import { directoryTaken, storageUnavailable } from './experiment.errors.js';
import { REMOVED_DIRECTORY, SUBDIRECTORIES } from './experiment-layout.js';
import { holdsFiles } from './file-search.js';
import { groupId } from './group-id.js';
import { removeIfEmpty } from './remove-if-empty.js';

/** Directories above experiments let everybody through; who may enter an experiment is said by its own mode. */
const PARENT_MODE = 0o755;
/** What was removed is the business of whoever runs the station. */
const REMOVED_MODE = 0o700;

/** Directories that {@link ExperimentDirectories.create} made, and how to take them back. */
export interface CreatedDirectories {
  /** Removes what was made, as far as it is still empty. */
  discard(): Promise<void>;
}

/** Directories of experiments in the storage area. Paths given are relative to its root. Never deletes a file. */
@Injectable()
export class ExperimentDirectories {
  constructor(@Inject(CONFIG) private readonly config: StationConfig) {}

  /**
   * Makes `<directory>/{data,analysis,system}`, all or nothing: they are prepared under another name and then renamed.
   * An experiment directory without any content that is there already (from a creation that a crash cut short) is taken.
   *
   * @throws StationError EXPERIMENT_DIRECTORY_EXISTS, STORAGE_UNAVAILABLE, STORAGE_PATH_REFUSED, GROUP_UNKNOWN
   */
  async create(directory: string): Promise<CreatedDirectories> {
    const rights = await this.rights();
    const made: string[] = [];
    const discard = async (): Promise<void> => {
      for (const path of [...made].reverse()) {
        await removeIfEmpty(path);
      }
    };
    try {
      const target = join(this.root, directory);
      await this.makeParents(directory, made);
      const isNew = await this.placeSkeleton(target, rights);
      if (isNew) {
        made.push(target, ...SUBDIRECTORIES.map((name) => join(target, name)));
      }
      return { discard };
    } catch (error) {
      await discard();
      throw this.translated(error);
    }
  }

  /** @throws StationError STORAGE_UNAVAILABLE when the station's directory, which every experiment has, is not there */
  async requireStationDirectory(stationName: string): Promise<void> {
    try {
      await stat(join(this.root, stationName));
    } catch (error) {
      throw storageUnavailable(
        `The storage area ${this.root} does not hold the directory ${stationName} of this station's experiments. Is it mounted?`,
        error,
      );
    }
  }

  holdsFiles(directory: string): Promise<boolean> {
    return holdsFiles(join(this.root, directory));
  }

  /** Makes the place for removed experiments, so that a missing permission shows before anything else happens. */
  async prepareRemoval(stationName: string): Promise<void> {
    try {
      await makeDirectory(join(this.root, stationName, REMOVED_DIRECTORY), REMOVED_MODE);
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** Renames; a source that has gone was moved before (or by hand), so repeating this is harmless. */
  async moveAway(source: string, target: string): Promise<void> {
    const from = join(this.root, source);
    const to = join(this.root, target);
    try {
      await rename(from, to);
    } catch (error) {
      if (driverCode(error) === 'ENOENT') {
        return;
      }
      throw error;
    }
    await syncDirectory(dirname(to));
    await syncDirectory(dirname(from));
  }

  /** Those of the storage area; the group of experiments goes before that of files. */
  private async rights(): Promise<ResolvedPermissions> {
    const permissions = resolvePermissions(permissionsOf(this.config.storage));
    const { group } = this.config.experiments;
    return group === undefined ? permissions : { ...permissions, gid: await groupId(group) };
  }

  private get root(): string {
    return this.config.storage.root;
  }

  private async makeParents(directory: string, made: string[]): Promise<void> {
    // The root itself is never made here: a missing one is a storage area that is not mounted.
    let at = this.root;
    for (const part of dirname(directory).split(sep)) {
      at = join(at, part);
      if (await makeDirectory(at, PARENT_MODE)) {
        made.push(at);
      } else if (!(await isDirectory(at))) {
        throw pathRefused(`${at} is not a directory; choose another rootPath.`);
      }
    }
    const station = await realpath(join(this.root, directory.split(sep)[0] ?? ''));
    const parent = await realpath(at);
    if (parent !== station && !parent.startsWith(station + sep)) {
      throw pathRefused(`${at} is a link that leads out of the station's directory; choose another rootPath.`);
    }
  }

  /** Answers whether the directory is new; false when one without content was there and was taken. */
  private async placeSkeleton(target: string, rights: ResolvedPermissions): Promise<boolean> {
    // One creation at a time runs (see the repository's lock), so this is nobody's but a crashed one's, which had the same aim.
    const staging = join(dirname(target), `.creating-${basename(target)}`);
    try {
      await this.makeSkeleton(staging, rights);
      // Atomic; an empty directory at the target is replaced, anything else stays and is reported.
      await rename(staging, target);
      await syncDirectory(dirname(target));
      return true;
    } catch (error) {
      await removeSkeleton(staging);
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(driverCode(error) ?? '')) {
        throw error;
      }
    }
    if (!(await isEmptySkeleton(target))) {
      throw directoryTaken(target);
    }
    await this.makeSkeleton(target, rights);
    return false;
  }

  private async makeSkeleton(directory: string, rights: ResolvedPermissions): Promise<void> {
    const mode = this.config.storage.directoryMode;
    for (const path of [directory, ...SUBDIRECTORIES.map((name) => join(directory, name))]) {
      if (!(await makeDirectory(path, mode, rights))) {
        await permitDirectory(path, mode, rights);
      }
    }
    await syncDirectory(directory);
  }

  private translated(error: unknown): unknown {
    const code = driverCode(error);
    if (error instanceof StationError || code === undefined) {
      return error;
    }
    return storageUnavailable(
      `The storage area ${this.root} refused (${code}). It must be mounted and writable for the station's account.`,
      error,
    );
  }
}

function pathRefused(message: string): StationError {
  return new StationError('invalid', 'STORAGE_PATH_REFUSED', message);
}

/** Also through a link, as administrators set them; a dangling one is none. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function removeSkeleton(directory: string): Promise<void> {
  for (const path of [...SUBDIRECTORIES.map((name) => join(directory, name)), directory]) {
    await removeIfEmpty(path);
  }
}

/** A true directory (no link) with nothing in it but our own directories, and nothing in those. */
async function isEmptySkeleton(directory: string): Promise<boolean> {
  try {
    if (!(await lstat(directory)).isDirectory()) {
      return false;
    }
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const isOurs = entry.isDirectory() && SUBDIRECTORIES.some((name) => name === entry.name);
      if (!isOurs || (await readdir(join(directory, entry.name))).length > 0) {
        return false;
      }
    }
    return true;
  } catch {
    return false;
  }
}
