import { readFileSync } from 'node:fs';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import type { FileSystem } from './source-tree.port.js';

/**
 * File systems that other machines write into. The kernel of this one sees no such write, so inotify stays silent, and
 * their clocks are the server's.
 */
const SHARED =
  /^(?:nfs\d*|cifs|smb\d*|smbfs|gpfs|lustre|fuse|fuse\..+|9p|virtiofs|ceph|beegfs|glusterfs|afs|gfs2|ocfs2|panfs|orangefs|vboxsf|vmhgfs)$/;
const UNKNOWN: Mount = { point: null, fileSystem: { type: 'unknown', isShared: false } };

export interface Mount {
  /** Null where it cannot be told. */
  point: Buffer | null;
  fileSystem: FileSystem;
}

/**
 * The mount that a path, links resolved, lies on. Reads the kernel's list (`mountInfo` is its file): asking the
 * mount itself could hang.
 */
export function mountOf(realPath: Buffer, mountInfo: string): Mount {
  try {
    return mountIn(readFileSync(mountInfo, 'latin1'), realPath);
  } catch {
    return UNKNOWN;
  }
}

/** `mountInfo`: the text of /proc/self/mountinfo, one byte per character. */
export function mountIn(mountInfo: string, realPath: Buffer): Mount {
  let longest = -1;
  let found = UNKNOWN;
  for (const line of mountInfo.split('\n')) {
    const [before = '', after] = line.split(' - ');
    const mountPoint = unescaped(before.split(' ')[4] ?? '');
    // Of two mounts on the same place the later one lies on top.
    if (after !== undefined && mountPoint.length >= longest && isBelowOrSame(realPath, mountPoint)) {
      longest = mountPoint.length;
      const type = after.split(' ')[0] ?? '';
      found = { point: mountPoint, fileSystem: { type, isShared: isSharedFileSystem(type) } };
    }
  }
  return found;
}

export function isSharedFileSystem(type: string): boolean {
  return SHARED.test(type);
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescaped(text: string): Buffer {
  return Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))),
    'latin1',
  );
}
