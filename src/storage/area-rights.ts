import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { driverCode, StationError } from '../kernel/errors.js';
import { directoryOf, isBelowOrSame, joinBytes, relativeTo } from '../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { type AreaPermissions, permissionsOf } from './area-permissions.js';
import { CopyRefusal } from './copy-faults.js';
import { pathsIn } from './local/descriptor-paths.js';
import { makeDirectory, permitHandle } from './made-directory.js';
import { type ResolvedPermissions, resolvePermissions } from './resolved-permissions.js';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const SET_GROUP_ID = 0o2000;
const SLASH = 0x2f;

/** What a thread gives to a file that it makes; numbers that are -1 stay as they are. */
export interface FileRights {
  uid: number;
  gid: number;
  mode: number;
}

/**
 * What arrives in the storage area gets its owner, group, list and mode from the engine that brings it. This gives the same
 * to what comes about there without one: trash, what audits set aside, twins of files, adopted files.
 */
@Injectable()
export class AreaRights {
  private readonly permissions: AreaPermissions;
  private readonly resolved: ResolvedPermissions;

  constructor(@Inject(CONFIG) private readonly config: Pick<StationConfig, 'storage'>) {
    this.permissions = permissionsOf(config.storage);
    this.resolved = resolvePermissions(this.permissions);
  }

  /** To be given before a file gets its final name. Its list is what it inherits from its directory. */
  get ofFiles(): FileRights {
    const { uid, gid } = this.resolved;
    return { uid, gid, mode: this.config.storage.fileMode };
  }

  async giveToFile(file: FileHandle): Promise<void> {
    await permitHandle(file, { ...this.ofFiles, acl: null });
  }

  /**
   * Makes what is missing between the experiment's directory, which must be there, and `directory`.
   *
   * @throws StationError LEADS_OUTSIDE; then nothing was made.
   */
  async makeDirectories(experiment: Buffer, directory: Buffer): Promise<void> {
    const missing: Buffer[] = [];
    let at = directory;
    while (at.length > experiment.length && !(await isThere(at))) {
      missing.push(at);
      at = directoryOf(at);
    }
    await requireInside(experiment, at);
    for (const made of missing.reverse()) {
      await makeDirectory(made, this.config.storage.directoryMode, this.resolved);
    }
  }

  /**
   * Gives a file that somebody else has put into an experiment, and the directories between `top` and it, what they would
   * have got by arriving. Each is opened through its directory, so that no link leads elsewhere.
   *
   * @throws what the file system refuses: the station's account must own what it gives away. CopyRefusal for a file that
   *   has further names, which may be anybody's.
   */
  async giveTo(experiment: Buffer, top: Buffer, place: Buffer): Promise<void> {
    const { directoryMode, fileMode } = this.config.storage;
    const names = namesIn(relativeTo(place, top));
    const opened = [await open(joinBytes(experiment, top), DIRECTORY | constants.O_NOFOLLOW)];
    try {
      const owner = await this.ownerBelow(opened[0] as FileHandle);
      for (const [index, name] of names.entries()) {
        const isFile = index === names.length - 1;
        const parent = opened.at(-1) as FileHandle;
        const handle = await open(joinBytes(pathsIn(parent.fd), name), isFile ? FILE : FOLDER);
        opened.push(handle);
        if (isFile) {
          await requireOneName(handle);
          await permitHandle(handle, { ...owner, acl: this.permissions.fileAcl ?? null, mode: fileMode });
        } else {
          await permitHandle(handle, { ...owner, acl: this.resolved.directoryAcl, mode: directoryMode });
        }
      }
    } finally {
      await Promise.all(opened.map((handle) => handle.close()));
    }
  }

  /** Of what the station makes in a directory: where nothing is configured, the kernel's rules. */
  private async ownerBelow(directory: FileHandle): Promise<{ uid: number; gid: number }> {
    const { uid, gid } = this.resolved;
    const handedDown = (this.config.storage.directoryMode & SET_GROUP_ID) === 0 ? -1 : (await directory.stat()).gid;
    return { uid: uid === -1 ? (process.geteuid?.() ?? -1) : uid, gid: gid === -1 ? handedDown : gid };
  }
}

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const FOLDER = DIRECTORY | constants.O_NOFOLLOW;

/**
 * A directory of an experiment must lie in it once all links are followed: what lies elsewhere is nobody's to move here.
 *
 * @throws StationError LEADS_OUTSIDE
 */
export async function requireInside(experiment: Buffer, directory: Buffer): Promise<void> {
  if (!isBelowOrSame(await realpath(directory, 'buffer'), await realpath(experiment, 'buffer'))) {
    throw new StationError(
      'conflict',
      'LEADS_OUTSIDE',
      'A symbolic link leads out of the experiment on the way to it.',
    );
  }
}

/** A second name may stand in another experiment, whose people would lose or gain it. */
async function requireOneName(handle: FileHandle): Promise<void> {
  const stats = await handle.stat();
  if (!stats.isFile() || stats.nlink !== 1) {
    throw new CopyRefusal('EMLINK', 'it is not a regular file with one name');
  }
}

function namesIn(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash === -1 ? path.length : slash;
    names.push(path.subarray(start, end));
    start = end + 1;
  }
  return names;
}

async function isThere(path: Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return false;
    }
    throw error;
  }
}
