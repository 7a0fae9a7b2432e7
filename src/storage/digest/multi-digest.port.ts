/** A content, or the next part of one, in the memory of a digest. */
export interface Extent {
  offset: number;
  /** Bytes. */
  length: number;
}

/** A content that comes in parts. */
export interface StreamPart<Stream> extends Extent {
  stream: Stream;
}

/**
 * MD5 of several contents at once. Contents lie in a memory of the digest's own, so that nothing is copied for it: callers
 * read files into it and write them from it. Obligations of every implementation:
 * - digests are those of RFC 1321 in lower-case hex, whatever lay in the memory before;
 * - up to `PADDING_BYTES` after an extent that ends a content may be overwritten: they must be inside the memory and belong
 *   to no other content;
 * - the memory begins at a page, which makes reading into it fast, and may be handed to another thread.
 */
export interface MultiDigest<Stream = unknown> {
  readonly memory: Buffer;
  readonly shared: DigestMemory;
  /** One digest for each extent, in their order. */
  digest(extents: readonly Extent[]): string[];
  open(): Stream;
  /** Takes several streams on, each once; every length is a multiple of `BLOCK_BYTES`. */
  advance(parts: readonly StreamPart<Stream>[]): void;
  /** The last parts, of any length; the streams are over. Digests come in their order. */
  finish(parts: readonly StreamPart<Stream>[]): string[];
}

export const BLOCK_BYTES = 64;
export const PADDING_BYTES = 128;

/** What a digest works on, to be handed to the digest of another thread. */
export type DigestMemory = object;
