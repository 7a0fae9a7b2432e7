import { describe, expect, test } from 'vitest';
import { packScan, unpackScan } from './scan-messages.js';
import type { ScannedFile } from './source-tree.port.js';

describe('a batch of a pass in a message between threads', () => {
  test('comes over as it was, whatever its numbers and names are', () => {
    const files = [
      aFile('scan1/frame.tif', {}),
      aFile(Buffer.from([0xff, 0x0a]), { inode: 2n ** 64n - 1n, device: 2n ** 63n, sizeBytes: 5n * 10n ** 12n }),
      aFile('x', { sizeBytes: 0n, mtimeNs: -1n, ctimeNs: -(2n ** 40n) }),
    ];
    const batch = {
      files,
      problems: [{ relativePath: Buffer.from('link'), code: 'SYMBOLIC_LINK' }],
      directories: [Buffer.from('scan1')],
    };

    const arrived = unpackScan(structuredClone(packScan(batch)));

    expect(arrived.files.map(comparable)).toEqual(files.map(comparable));
    expect(arrived.problems.map(({ code }) => code)).toEqual(['SYMBOLIC_LINK']);
    expect(arrived.directories.map((path) => Buffer.from(path).toString())).toEqual(['scan1']);
  });

  test('may be empty', () => {
    const empty = { files: [], problems: [], directories: [] };
    expect(unpackScan(structuredClone(packScan(empty)))).toEqual(empty);
  });

  function aFile(path: string | Buffer, given: Partial<ScannedFile>): ScannedFile {
    return {
      relativePath: Buffer.from(path),
      device: 1n,
      inode: 2n,
      sizeBytes: 3n,
      mtimeNs: 1_790_000_000_123_456_789n,
      ctimeNs: 1_790_000_000_123_456_790n,
      ...given,
    };
  }

  function comparable(file: ScannedFile): unknown {
    return { ...file, relativePath: Buffer.from(file.relativePath).toString('latin1') };
  }
});
