import { createHash, type Hash, hash } from 'node:crypto';
import type { Extent, MultiDigest, StreamPart } from './multi-digest.port.js';

/** One content after the other, by `node:crypto`: where there is no WebAssembly, and as the referee of its digests. */
export class OpenSslDigest implements MultiDigest<Hash> {
  readonly memory: Buffer;

  constructor(readonly shared: SharedArrayBuffer) {
    this.memory = Buffer.from(shared);
  }

  static ofSize(bytes: number): OpenSslDigest {
    return new OpenSslDigest(new SharedArrayBuffer(bytes));
  }

  digest(extents: readonly Extent[]): string[] {
    return extents.map((extent) => hash('md5', this.bytesOf(extent), 'hex'));
  }

  open(): Hash {
    return createHash('md5');
  }

  advance(parts: readonly StreamPart<Hash>[]): void {
    parts.forEach((part) => part.stream.update(this.bytesOf(part)));
  }

  finish(parts: readonly StreamPart<Hash>[]): string[] {
    return parts.map((part) => part.stream.update(this.bytesOf(part)).digest('hex'));
  }

  private bytesOf({ offset, length }: Extent): Buffer {
    return this.memory.subarray(offset, offset + length);
  }
}
