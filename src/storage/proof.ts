/**
 * How it is known that a replica is good, the closed set:
 * - `read-back`: every byte was read again at the destination and found equal; file and directory are synced there.
 * - `read-back-unsynced`: read back equal, but the channel cannot sync: a loss of power may still take the copy.
 * - `size`: only the sizes were compared (`skipChecksum`, or a channel without checksums).
 * - `none`: nothing was copied; the file was only recorded where it lies (`skipTransfer`).
 */
export const PROOFS = ['read-back', 'read-back-unsynced', 'size', 'none'] as const;

export type Proof = (typeof PROOFS)[number];

/** Whether the content of the copy was compared with that of its source. */
export function isVerified(proof: Proof): boolean {
  return proof === 'read-back' || proof === 'read-back-unsynced';
}

/** Whether a copy with this proof allows that another one, such as the source, is deleted. */
export function justifiesDeletion(proof: Proof): boolean {
  return proof === 'read-back';
}
