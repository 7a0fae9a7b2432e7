import { describe, expect, it } from 'vitest';
import { fingerprintOf, Fingerprints } from './fingerprints.js';
import type { ScannedFile } from './source-tree.port.js';

const aFile = (fields: Partial<ScannedFile> = {}): ScannedFile => ({
  relativePath: Buffer.from('scan/a.tif'),
  device: 1n,
  inode: 7n,
  sizeBytes: 10n,
  mtimeNs: 1_700_000_000_000_000_000n,
  ctimeNs: 0n,
  ...fields,
});

describe(Fingerprints.name, () => {
  it('tells files apart by name, size, mtime and inode', () => {
    const prints = new Fingerprints();
    prints.add(fingerprintOf(aFile()));
    expect(prints.has(fingerprintOf(aFile({ ctimeNs: 5n })))).toBe(true);
    for (const other of [
      { relativePath: Buffer.from('scan/b.tif') },
      { sizeBytes: 11n },
      { mtimeNs: 1_700_000_000_000_000_001n },
      { inode: 7n + 2n ** 32n },
    ]) {
      expect(prints.has(fingerprintOf(aFile(other)))).toBe(false);
    }
  });

  it('keeps two hundred thousand apart', () => {
    const prints = new Fingerprints();
    const print = (at: number) => fingerprintOf(aFile({ relativePath: Buffer.from(`${at}.tif`), inode: BigInt(at) }));
    for (let at = 0; at < 200_000; at += 2) {
      prints.add(print(at));
    }
    let wrong = 0;
    for (let at = 0; at < 200_000; at += 1) {
      wrong += prints.has(print(at)) === (at % 2 === 0) ? 0 : 1;
    }
    expect(wrong).toBe(0);
  });
});
