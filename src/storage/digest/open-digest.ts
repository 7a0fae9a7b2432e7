import { hash } from 'node:crypto';
import { Md5Lanes } from './md5-lanes.js';
import { type DigestMemory, type MultiDigest, PADDING_BYTES } from './multi-digest.port.js';
import { OpenSslDigest } from './openssl-digest.js';

let lanesWork: boolean | undefined;

/** The fastest digest that this machine has, with a new memory for contents of so many bytes (padding included). */
export function openDigest(bytes: number): MultiDigest {
  return canUseLanes() ? Md5Lanes.ofSize(bytes) : OpenSslDigest.ofSize(bytes);
}

/** A digest over the memory of another thread's. */
export function openDigestOver(memory: DigestMemory): MultiDigest {
  return Md5Lanes.over(memory) ?? new OpenSslDigest(memory as SharedArrayBuffer);
}

/** Tried once per thread: there are machines without vectors, and such as keep the bytes of a word the other way round. */
function canUseLanes(): boolean {
  lanesWork ??= agreesWithOpenSsl();
  return lanesWork;
}

function agreesWithOpenSsl(): boolean {
  try {
    const contents = Array.from({ length: 15 }, (_, index) => Buffer.alloc(20 * index, index));
    const room = 20 * contents.length + PADDING_BYTES;
    const lanes = Md5Lanes.ofSize(room * contents.length);
    const digests = lanes.digest(
      contents.map((content, index) => {
        content.copy(lanes.memory, room * index);
        return { offset: room * index, length: content.length };
      }),
    );
    return contents.every((content, index) => digests[index] === hash('md5', content, 'hex'));
  } catch {
    return false;
  }
}
