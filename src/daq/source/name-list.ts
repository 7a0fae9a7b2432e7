import { type Dirent, opendirSync } from 'node:fs';

/** Entries that one call to the file system reads. */
const READ_AHEAD = 512;
const FIRST_BYTES = 4096;

export type EntryKind = 'file' | 'directory' | 'link' | 'other';
const KINDS: readonly EntryKind[] = ['file', 'directory', 'link', 'other'];

/** Names of one directory, one behind the other in one buffer: a million of them take some 20 MB, not some hundred. */
export class NameList implements Iterable<{ name: Buffer; kind: EntryKind }> {
  private bytes = Buffer.alloc(FIRST_BYTES);
  private end = 0;

  /** `name`: one character per byte. */
  add(name: string, kind: EntryKind): void {
    // Kind, name, and the byte that no name can hold.
    if (this.end + name.length + 2 > this.bytes.length) {
      const larger = Buffer.alloc((this.bytes.length + name.length) * 2);
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    this.bytes[this.end] = KINDS.indexOf(kind);
    this.bytes.write(name, this.end + 1, 'latin1');
    this.end += name.length + 2;
  }

  *[Symbol.iterator](): Generator<{ name: Buffer; kind: EntryKind }> {
    for (let at = 0; at < this.end;) {
      const stop = this.bytes.indexOf(0, at + 1);
      yield { kind: KINDS[this.bytes[at] ?? 0] ?? 'other', name: this.bytes.subarray(at + 1, stop) };
      at = stop + 1;
    }
  }
}

/**
 * Reads a directory to its end and closes it: one that was held open between two batches would keep its file system
 * from being unmounted. `beat` is called with each entry.
 */
export function readNames(directory: Buffer, beat: () => void): NameList {
  const names = new NameList();
  const handle = opendirSync(directory, { encoding: 'latin1', bufferSize: READ_AHEAD });
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      beat();
      names.add(entry.name, kindOf(entry));
    }
  } finally {
    handle.closeSync();
  }
  return names;
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) {
    return 'file';
  }
  if (entry.isDirectory()) {
    return 'directory';
  }
  return entry.isSymbolicLink() ? 'link' : 'other';
}
