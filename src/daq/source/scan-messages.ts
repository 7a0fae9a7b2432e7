import type { ScanBatch } from './source-tree.port.js';

/** A batch of a pass on its way out of the source's thread: columns, since objects take six times as long. */
export interface PackedScan extends Pick<ScanBatch, 'problems' | 'directories'> {
  /** Paths of the files, one after the other. */
  paths: Uint8Array;
  /** Where each of them ends. */
  ends: Uint32Array;
  /** Device, inode, size, mtime and ctime of each file. */
  facts: BigUint64Array;
}

const FACTS = 5;

export function packScan({ files, problems, directories }: ScanBatch): PackedScan {
  const paths = new Uint8Array(files.reduce((sum, file) => sum + file.relativePath.length, 0));
  const ends = new Uint32Array(files.length);
  const facts = new BigUint64Array(files.length * FACTS);
  let at = 0;
  files.forEach((file, index) => {
    paths.set(file.relativePath, at);
    at += file.relativePath.length;
    ends[index] = at;
    facts.set([file.device, file.inode, file.sizeBytes, file.mtimeNs, file.ctimeNs], index * FACTS);
  });
  return { paths, ends, facts, problems, directories };
}

export function unpackScan({ paths, ends, facts, problems, directories }: PackedScan): ScanBatch {
  const bytes = Buffer.from(paths.buffer, paths.byteOffset, paths.byteLength);
  const files = Array.from(ends, (end, index) => {
    const fact = (part: number) => facts[index * FACTS + part] ?? 0n;
    return {
      relativePath: bytes.subarray(index === 0 ? 0 : ends[index - 1], end),
      device: fact(0),
      inode: fact(1),
      sizeBytes: fact(2),
      // A time before 1970 is a negative number.
      mtimeNs: BigInt.asIntN(64, fact(3)),
      ctimeNs: BigInt.asIntN(64, fact(4)),
    };
  });
  return { files, problems, directories };
}
