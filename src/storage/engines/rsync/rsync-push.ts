import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryOf, joinBytes } from '../../../kernel/path-bytes.js';
import { type Fault, faultOf } from '../../copy-faults.js';
import type { SshShell } from '../../shell/ssh-shell.js';
import type { Move, MoveFaults, Mover } from '../sides.port.js';
import { faultsOf, runRsync } from './rsync-run.js';

/**
 * Pushes local files to a host. rsync gives every file the name that it has at its source; here each needs another. So
 * it is pointed at a folder of symbolic links that are laid out, and named, like the destination, and follows them.
 */
export class RsyncPush implements Mover {
  private readonly children = new Set<ChildProcess>();

  constructor(
    private readonly shell: SshShell,
    private readonly bytesPerSecond?: number,
  ) {}

  async move(moves: readonly Move[]): Promise<MoveFaults> {
    const folder = await mkdtemp(join(tmpdir(), 'dm-push-'));
    try {
      const faults = await layOut(Buffer.from(folder), moves);
      const going = moves.filter((move) => !faults.has(move.id));
      if (going.length > 0) {
        const end = await runRsync(
          { shell: this.shell, bytesPerSecond: this.bytesPerSecond, children: this.children },
          { extra: ['--copy-links'], from: () => `${folder}/`, to: (host) => `${host}:/` },
          going.map((move) => move.temporaryPath),
        );
        faultsOf(going, end, (move) => `.dm-${move.id}.part"`).forEach((fault, id) => faults.set(id, fault));
      }
      return faults;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    this.children.forEach((child) => child.kill('SIGTERM'));
    return Promise.resolve();
  }
}

async function layOut(folder: Buffer, moves: readonly Move[]): Promise<Map<string, Fault>> {
  const faults = new Map<string, Fault>();
  const made = new Set<string>();
  for (const move of moves) {
    const link = joinBytes(folder, move.temporaryPath.subarray(1));
    const directory = directoryOf(link);
    const key = directory.toString('latin1');
    try {
      if (!made.has(key)) {
        await mkdir(directory, { recursive: true });
        made.add(key);
      }
      await symlink(Buffer.from(move.sourcePath), link);
    } catch (error) {
      faults.set(move.id, faultOf(error));
    }
  }
  return faults;
}
