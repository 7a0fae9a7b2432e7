import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { driverCode, messageOf } from '../../../kernel/errors.js';

/** The file cannot be looked into, whatever its format. The message is a sentence for the complaint. */
export class UnreadableFile extends Error {}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'The file is not there any more.',
  ENOTDIR: 'The file is not there any more.',
  EACCES: 'The station may not read this file.',
  EPERM: 'The station may not read this file.',
  ELOOP: 'It is a link; links are not followed.',
  ENAMETOOLONG: 'Its path is longer than the system allows.',
};

/**
 * A regular file, opened for reading only. A link at its end is not followed, and nothing else than a regular file is
 * opened: a FIFO or a device could hold the reader up for ever, or change by being read.
 */
export class FileSource {
  private constructor(
    private readonly descriptor: number,
    readonly size: number,
  ) {}

  /** @throws UnreadableFile */
  static open(path: Buffer | string): FileSource {
    let descriptor: number | undefined;
    try {
      requireRegular(lstatSync(path));
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
      descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
      const stats = fstatSync(descriptor);
      requireRegular(stats);
      return new FileSource(descriptor, stats.size);
    } catch (error) {
      if (descriptor !== undefined) {
        closeSync(descriptor);
      }
      throw error instanceof UnreadableFile ? error : unreadable(error);
    }
  }

  /** The bytes from `offset` on, fewer than `length` where the file ends. @throws UnreadableFile */
  read(offset: number, length: number): Buffer {
    const available = Math.max(0, Math.min(length, this.size - offset));
    const bytes = Buffer.allocUnsafe(available);
    return bytes.subarray(0, this.readInto(bytes, offset));
  }

  /** Fills `target` from `offset` on; answers how many bytes there were. @throws UnreadableFile */
  readInto(target: Uint8Array, offset: number): number {
    let done = 0;
    try {
      while (done < target.length) {
        const count = readSync(this.descriptor, target, done, target.length - done, offset + done);
        if (count === 0) {
          break;
        }
        done += count;
      }
    } catch (error) {
      throw unreadable(error);
    }
    return done;
  }

  /** All of it as text without a byte order mark; for files whose size was looked at. @throws UnreadableFile */
  text(): string {
    return this.read(0, this.size)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function requireRegular(stats: Stats): void {
  if (stats.isSymbolicLink()) {
    throw new UnreadableFile(WORDS['ELOOP']);
  }
  if (!stats.isFile()) {
    throw new UnreadableFile('It is no regular file; directories, pipes, sockets and devices are not read.');
  }
}

function unreadable(error: unknown): UnreadableFile {
  const words = WORDS[driverCode(error) ?? ''] ?? `The file cannot be read: ${messageOf(error)}.`;
  return new UnreadableFile(words, { cause: error });
}
