import { randomUUID } from 'node:crypto';
import { lstatSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { joinBytes } from '../../kernel/path-bytes.js';
import { mountOf } from './mount-info.js';

/** The kernel stamps files with a clock that ticks every 1 to 10 ms: a stamp may be this much behind, in ns. */
export const CLOCK_TICK_NS = 20_000_000n;

/**
 * What the clock that stamps the files of a directory says now. On this machine's own file systems that is the kernel's;
 * a file server has its own, which is read off an empty file that is made and removed (under a name that no acquisition
 * takes). Undefined when the server allows no such file.
 */
export function clockOf(root: Buffer, mountInfo: string): bigint | undefined {
  if (!isOnShared(root, mountInfo)) {
    return BigInt(Date.now()) * 1_000_000n - CLOCK_TICK_NS;
  }
  const probe = joinBytes(root, Buffer.from(`.dm-clock-${randomUUID()}.part`));
  try {
    writeFileSync(probe, '', { flag: 'wx' });
    try {
      return lstatSync(probe, { bigint: true }).ctimeNs;
    } finally {
      rmSync(probe, { force: true });
    }
  } catch {
    return undefined;
  }
}

/** A source may be named by a link, which lies on another file system than what it leads to. */
function isOnShared(root: Buffer, mountInfo: string): boolean {
  try {
    return mountOf(realpathSync.native(root, 'buffer'), mountInfo).fileSystem.isShared;
  } catch {
    return true;
  }
}
