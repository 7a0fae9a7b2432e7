import { describe, expect, it } from 'vitest';
import { isSharedFileSystem, mountIn, mountOf } from './mount-info.js';

const MOUNTS = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '40 22 0:44 / /detector rw,relatime shared:20 - nfs4 server:/export rw,hard',
  '41 40 0:45 / /detector/local\\040disk rw - xfs /dev/sdb1 rw',
  '42 22 0:46 / /cluster rw - gpfs cluster rw',
  '43 22 0:47 / /twice rw - ext4 /dev/sdc rw',
  '44 22 0:48 / /twice rw master:1 - fuse.sshfs host: rw',
  '',
].join('\n');

describe('mountIn', () => {
  it.each([
    ['/home/x', 'ext4', '/', false],
    ['/detector/scan', 'nfs4', '/detector', true],
    ['/detector/local disk/scan', 'xfs', '/detector/local disk', false],
    ['/detectors', 'ext4', '/', false],
    ['/cluster', 'gpfs', '/cluster', true],
    ['/twice/a', 'fuse.sshfs', '/twice', true],
  ])('%s lies on %s, mounted at %s', (path, type, point, isShared) => {
    expect(mountIn(MOUNTS, Buffer.from(path))).toEqual({
      point: Buffer.from(point),
      fileSystem: { type, isShared },
    });
  });

  it.each([
    ['nfs', true],
    ['nfs3', true],
    ['cifs', true],
    ['smb3', true],
    ['lustre', true],
    ['9p', true],
    ['gfs2', true],
    ['ocfs2', true],
    ['fuse', true],
    ['fuseblk', false],
    ['tmpfs', false],
    ['overlay', false],
    ['zfs', false],
  ])('%s is shared: %s', (type, expected) => {
    expect(isSharedFileSystem(type)).toBe(expected);
  });

  it('reads what the kernel says of this machine', () => {
    expect(mountOf(Buffer.from('/proc'), '/proc/self/mountinfo').fileSystem.type).toBe('proc');
  });
});
