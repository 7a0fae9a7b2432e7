import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { joinBytes } from '../../../kernel/path-bytes.js';
import { type Fault, faultOf } from '../../copy-faults.js';
import type { SshShell } from '../../shell/ssh-shell.js';
import type { Remains } from '../../transfer-engine.port.js';
import type { Move, MoveFaults, Mover } from '../sides.port.js';
import { temporaryName } from '../temporary-name.js';
import { faultsOf, runRsync } from './rsync-run.js';

type Folder = Pick<Remains, 'id' | 'experimentDirectory'>;

/**
 * Pulls files from a host. They arrive under the names of their source in a folder of the batch, on the file system of
 * the storage area, and are renamed to their temporary names from there. The folder is called after the batch's first
 * task: whoever discards or repeats that task finds what a crash has left.
 */
export class RsyncPull implements Mover {
  private readonly children = new Set<ChildProcess>();

  constructor(
    private readonly shell: SshShell,
    private readonly bytesPerSecond?: number,
  ) {}

  async move(moves: readonly Move[]): Promise<MoveFaults> {
    const byExperiment = Map.groupBy(moves, (move) => keyOf(move.experimentDirectory));
    const faults = new Map<string, Fault>();
    for (const group of byExperiment.values()) {
      const ofGroup = await this.moveInto(group);
      ofGroup.forEach((fault, id) => faults.set(id, fault));
    }
    return faults;
  }

  async discard(remains: readonly Folder[]): Promise<void> {
    for (const one of remains) {
      await rm(folderOf(one), { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    this.children.forEach((child) => child.kill('SIGTERM'));
    return Promise.resolve();
  }

  private async moveInto(moves: readonly Move[]): Promise<MoveFaults> {
    const [first] = moves;
    if (first === undefined) {
      return new Map();
    }
    await this.discard(moves);
    const folder = folderOf(first);
    try {
      await mkdir(folder, { mode: 0o700 });
      const end = await runRsync(
        { shell: this.shell, bytesPerSecond: this.bytesPerSecond, children: this.children },
        { extra: [], from: (host) => `${host}:/`, to: () => `${folder.toString()}/` },
        moves.map((move) => move.sourcePath),
      );
      const faults = new Map(faultsOf(moves, end, (move) => `"${keyOf(move.sourcePath)}"`));
      const arrived = moves.filter((move) => !faults.has(move.id));
      // The same file may be wanted twice, by two acquisitions: the last one takes it, the others get a copy.
      const last = new Map(arrived.map((move) => [keyOf(move.sourcePath), move.id]));
      for (const move of arrived) {
        const staged = joinBytes(folder, move.sourcePath.subarray(1));
        const bring = last.get(keyOf(move.sourcePath)) === move.id ? rename : copyFile;
        try {
          await bring(staged, Buffer.from(move.temporaryPath));
        } catch (error) {
          faults.set(move.id, faultOf(error));
        }
      }
      return faults;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function folderOf({ id, experimentDirectory }: Folder): Buffer {
  return joinBytes(experimentDirectory, temporaryName(id));
}

function keyOf(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}
