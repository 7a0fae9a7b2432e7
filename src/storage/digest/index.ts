export { ROUNDS_AHEAD, type RoundPart } from './digest-rounds.js';
export { DigestThread } from './digest-thread.js';
export { type MultiDigest, PADDING_BYTES } from './multi-digest.port.js';
export { openDigest } from './open-digest.js';
