import type { FileSource } from './file-source.js';
import { shortFloat32 } from './numbers.js';
import { DamagedFile } from './reading-draft.js';

const PAGE_BYTES = 8192;
/** Longest name, description or unit; EPICS has 40 characters. */
const MOST_TEXT_BYTES = 4096;

/** Goes through a file in XDR (RFC 4506: big-endian, units of four bytes), never beyond its end. */
export class XdrCursor {
  private page: Buffer = Buffer.alloc(0);
  private pageAt = 0;

  constructor(
    private readonly source: FileSource,
    public offset: number,
  ) {}

  int(): number {
    return this.take(4).readInt32BE(0);
  }

  uint(): number {
    return this.take(4).readUInt32BE(0);
  }

  float(): number {
    return shortFloat32(this.take(4).readFloatBE(0));
  }

  double(): number {
    return this.take(8).readDoubleBE(0);
  }

  /** A count that must make sense. @throws DamagedFile */
  count(most: number, what: string): number {
    const count = this.int();
    if (count < 0 || count > most) {
      throw new DamagedFile(`It claims to have ${count} ${what} (byte ${this.offset - 4}).`);
    }
    return count;
  }

  /** A counted string: its length, and where that is not 0 the length again, the bytes, and padding. */
  text(): string {
    if (this.int() === 0) {
      return '';
    }
    const length = this.count(MOST_TEXT_BYTES, 'characters in a text');
    const bytes = this.take(Math.ceil(length / 4) * 4).subarray(0, length);
    const end = bytes.indexOf(0);
    return bytes.toString('latin1', 0, end === -1 ? length : end);
  }

  /** The first `most` of `length` values of `size` bytes each; ends behind the last. */
  values(length: number, size: number, most: number, read: () => number): number[] {
    const kept = Math.min(length, most);
    const values = Array.from({ length: kept }, read);
    this.skip((length - kept) * size);
    return values;
  }

  skip(bytes: number): void {
    this.offset += bytes;
  }

  private take(length: number): Buffer {
    if (this.offset < this.pageAt || this.offset + length > this.pageAt + this.page.length) {
      this.page = this.source.read(this.offset, Math.max(PAGE_BYTES, length));
      this.pageAt = this.offset;
      if (this.page.length < length) {
        throw new DamagedFile(`The file ends too early: at byte ${this.offset} there should be more.`);
      }
    }
    const from = this.offset - this.pageAt;
    this.offset += length;
    return this.page.subarray(from, from + length);
  }
}
