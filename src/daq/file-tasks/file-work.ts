import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  writeSync,
} from 'node:fs';
import { Transform, type TransformCallback, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { FileRights } from '../../storage/index.js';
import type { Algorithm } from './file-task.js';

export interface FileWork {
  kind: 'compress' | 'decompress';
  algorithm: Algorithm;
  input: Uint8Array;
  /** Written anew; remains of an attempt before are overwritten. */
  temporary: Uint8Array;
  /** Given before the file gets its name. */
  rights: FileRights;
  /** More output than this is refused: a small file may hold terabytes of zeros. */
  mostBytes: number;
}

export type FileWorkResult =
  | {
      status: 'made';
      /** Of the input, as it was read. */
      inputMd5Sum: string;
      outputMd5Sum: string;
      outputBytes: number;
      /** Of what is not compressed, whichever side that is; proven by reading the output back. */
      contentMd5Sum: string;
      contentBytes: number;
    }
  | { status: 'refused'; code: 'not-compressed' | 'too-large' | 'differs' | 'gone'; reason: string };

class TooLarge extends Error {}

/** Counts and digests what flows through it. */
class Meter extends Transform {
  bytes = 0;
  private readonly hash: Hash = createHash('md5');

  constructor(private readonly most = Number.POSITIVE_INFINITY) {
    super();
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.hash.update(chunk);
    done(this.bytes > this.most ? new TooLarge() : null, chunk);
  }

  md5Sum(): string {
    return this.hash.digest('hex');
  }
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
/** Writes at once and leaves the file open, whatever becomes of the stream: it is synced and closed by its opener. */
function into(fd: number): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        for (let at = 0; at < chunk.length;) {
          at += writeSync(fd, chunk, at);
        }
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Compresses or decompresses a file into a temporary one, syncs it, and proves it by reading it back: what was compressed
 * is decompressed again and compared with what went in. Made for a worker thread.
 */
export async function workOnFile(work: FileWork): Promise<FileWorkResult> {
  const before = new Meter();
  const after = new Meter(work.mostBytes);
  const target = openSync(Buffer.from(work.temporary), WRITE, 0o600);
  try {
    await pipeline(
      createReadStream('', { fd: openSync(Buffer.from(work.input), READ) }),
      before,
      work.kind === 'compress' ? compressor(work.algorithm) : decompressor(work.algorithm),
      after,
      into(target),
    );
    const { uid, gid, mode } = work.rights;
    fchownSync(target, uid, gid);
    fchmodSync(target, mode); // last: a change of owner clears its upper bits
    fsyncSync(target);
  } catch (error) {
    return refusalOf(error);
  } finally {
    closeSync(target);
  }
  const stored = new Meter();
  const content = new Meter();
  await pipeline(
    createReadStream('', { fd: openSync(Buffer.from(work.temporary), READ) }),
    stored,
    ...(work.kind === 'compress' ? [decompressor(work.algorithm)] : []),
    content,
    nowhere(),
  );
  const [inputMd5Sum, outputMd5Sum, storedMd5Sum, contentMd5Sum] = [before, after, stored, content].map((meter) =>
    meter.md5Sum(),
  ) as [string, string, string, string];
  const wanted = work.kind === 'compress' ? inputMd5Sum : outputMd5Sum;
  if (storedMd5Sum !== outputMd5Sum || contentMd5Sum !== wanted) {
    return { status: 'refused', code: 'differs', reason: 'What was read back differs from what was written.' };
  }
  return {
    status: 'made',
    inputMd5Sum,
    outputMd5Sum,
    outputBytes: after.bytes,
    contentMd5Sum,
    contentBytes: content.bytes,
  };
}

function compressor(algorithm: Algorithm) {
  return algorithm === 'gzip' ? createGzip() : createZstdCompress();
}

function decompressor(algorithm: Algorithm) {
  return algorithm === 'gzip' ? createGunzip() : createZstdDecompress();
}

/** @throws what is nobody's fault here, such as a full disk, to be tried again. */
function refusalOf(error: unknown): FileWorkResult {
  if (error instanceof TooLarge) {
    return { status: 'refused', code: 'too-large', reason: 'Decompressed it would not fit into the storage area.' };
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_ZLIB_INITIALIZATION_FAILED') {
    return {
      status: 'refused',
      code: 'not-compressed',
      reason: 'It is not in the format that its name says, or damaged.',
    };
  }
  if (code === 'ENOENT') {
    return { status: 'refused', code: 'gone', reason: 'It is not where the record says.' };
  }
  throw error;
}
