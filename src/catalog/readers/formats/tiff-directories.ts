import type { FileSource } from './file-source.js';
import { shortFloat32 } from './numbers.js';
import { DamagedFile } from './reading-draft.js';

/** A directory with more entries than this is none: the largest that writers make have some hundred. */
const MOST_ENTRIES = 4096;
/** Bytes of one tag's values that are read; longer texts are cut. */
const MOST_VALUE_BYTES = 1_048_576;

/** Bytes of a value by its type's number; types that do not exist have none. */
const SIZES: Readonly<Record<number, number>> = {
  1: 1, // byte
  2: 1, // text
  3: 2, // 16 bits
  4: 4, // 32 bits
  5: 8, // two 32-bit numbers, a ratio
  6: 1, // signed byte
  7: 1, // bytes of any meaning
  8: 2, // 16 bits, signed
  9: 4, // 32 bits, signed
  10: 8, // signed ratio
  11: 4, // float
  12: 8, // double
  13: 4, // offset of a directory
  16: 8, // 64 bits (BigTIFF)
  17: 8, // 64 bits, signed
  18: 8, // offset of a directory, 64 bits
};
const TEXT = 2;
const BYTES = 7;

export interface Entry {
  readonly tag: number;
  /** A text, a number, or the first `most` of a list of numbers; undefined where it lies outside the file. */
  value(most: number): string | number | number[] | undefined;
}

export interface Directory {
  readonly entries: readonly Entry[];
  /** Offset of the next image's directory, 0 after the last. */
  readonly next: number;
  has(tag: number): boolean;
  /** Numbers of a tag, none where it is not there. */
  numbers(tag: number, most: number): number[];
  text(tag: number): string | undefined;
}

/** The directories of a TIFF (version 42) or BigTIFF (43), in either order of bytes. */
export class TiffDirectories {
  readonly first: number;
  private readonly isLittle: boolean;
  private readonly isBig: boolean;

  /** @throws DamagedFile */
  constructor(private readonly source: FileSource) {
    const head = source.read(0, 16);
    this.isLittle = head[0] === 0x49;
    this.isBig = this.uint(head, 2, 2) === 43;
    if (head.length < (this.isBig ? 16 : 8)) {
      throw new DamagedFile('The file ends within its header.');
    }
    this.first = this.isBig ? this.uint(head, 8, 8) : this.uint(head, 4, 4);
  }

  /** @throws DamagedFile */
  read(offset: number): Directory {
    const { table, count, next } = this.table(offset);
    const size = this.entrySize;
    const entries = Array.from({ length: count }, (_, at) => this.entry(table.subarray(at * size, (at + 1) * size)));
    const byTag = new Map(entries.map((entry) => [entry.tag, entry]));
    return {
      entries,
      next,
      has: (tag) => byTag.has(tag),
      numbers: (tag, most) => {
        const value = byTag.get(tag)?.value(most);
        return typeof value === 'number' ? [value] : Array.isArray(value) ? value : [];
      },
      text: (tag) => {
        const value = byTag.get(tag)?.value(1);
        return typeof value === 'string' ? value : undefined;
      },
    };
  }

  /** Offset of the directory after the one at `offset`. @throws DamagedFile */
  next(offset: number): number {
    return this.table(offset).next;
  }

  private get entrySize(): number {
    return this.isBig ? 20 : 12;
  }

  private table(offset: number): { table: Buffer; count: number; next: number } {
    const [countSize, offsetSize] = this.isBig ? [8, 8] : [2, 4];
    const head = this.source.read(offset, countSize);
    const count = head.length < countSize ? MOST_ENTRIES + 1 : this.uint(head, 0, countSize);
    if (offset === 0 || count === 0 || count > MOST_ENTRIES) {
      throw new DamagedFile(`There is no image directory at byte ${offset}.`);
    }
    const length = count * this.entrySize;
    const rest = this.source.read(offset + countSize, length + offsetSize);
    if (rest.length < length + offsetSize) {
      throw new DamagedFile(`The file ends within the image directory at byte ${offset}.`);
    }
    return { table: rest.subarray(0, length), count, next: this.uint(rest, length, offsetSize) };
  }

  private entry(bytes: Buffer): Entry {
    const type = this.uint(bytes, 2, 2);
    const [offsetSize, at] = this.isBig ? [8, 12] : [4, 8];
    const count = this.uint(bytes, 4, offsetSize);
    const size = SIZES[type];
    return {
      tag: this.uint(bytes, 0, 2),
      value: (most) => {
        if (size === undefined || count === 0) {
          return undefined;
        }
        const wanted = type === TEXT || type === BYTES ? count : Math.min(count, most);
        const length = Math.min(wanted * size, MOST_VALUE_BYTES);
        const isInline = count * size <= offsetSize;
        const values = isInline
          ? bytes.subarray(at, at + length)
          : this.source.read(this.uint(bytes, at, offsetSize), length);
        return values.length < length ? undefined : this.decode(values, type, size, count === 1);
      },
    };
  }

  private decode(bytes: Buffer, type: number, size: number, isSingle: boolean): string | number | number[] {
    if (type === TEXT) {
      const end = bytes.indexOf(0);
      return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
    }
    if (type === BYTES && !isSingle) {
      return `${bytes.length} bytes`;
    }
    const values: number[] = [];
    for (let at = 0; at + size <= bytes.length; at += size) {
      values.push(this.number(bytes, at, type, size));
    }
    return isSingle ? (values[0] ?? 0) : values;
  }

  private number(bytes: Buffer, at: number, type: number, size: number): number {
    switch (type) {
      case 5:
        return this.uint(bytes, at, 4) / this.uint(bytes, at + 4, 4);
      case 10:
        return this.int(bytes, at, 4) / this.int(bytes, at + 4, 4);
      case 11:
        return shortFloat32(this.isLittle ? bytes.readFloatLE(at) : bytes.readFloatBE(at));
      case 12:
        return this.isLittle ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
      case 6:
      case 8:
      case 9:
      case 17:
        return this.int(bytes, at, size);
      default:
        return this.uint(bytes, at, size);
    }
  }

  /** Offsets and counts beyond 2^53 lose digits, which no file is large enough to miss. */
  private uint(bytes: Buffer, at: number, size: number): number {
    if (size === 8) {
      return Number(this.isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    }
    return this.isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  }

  private int(bytes: Buffer, at: number, size: number): number {
    if (size === 8) {
      return Number(this.isLittle ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at));
    }
    return this.isLittle ? bytes.readIntLE(at, size) : bytes.readIntBE(at, size);
  }
}
