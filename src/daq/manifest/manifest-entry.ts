import { isVerified, type Proof, type ReplicaTrouble } from '../../storage/index.js';

/** A file version with the evidence of its copies. Paths are bytes. */
export interface ManifestEntry {
  ledgerId: string;
  /** Relative to the experiment's directory: what the file is called, whichever version it is. */
  path: Buffer;
  version: number;
  isLatest: boolean;
  sizeBytes: bigint;
  md5Sum: string | null;
  /** Computed by an audit that was asked for it. */
  sha256Sum: string | null;
  mtimeNs: bigint;
  storedAt: Date | null;
  acquisitionId: string;
  sourceHost: string;
  sourcePath: Buffer;
  copies: ManifestCopy[];
}

export interface ManifestCopy {
  destination: string;
  /** Relative to the experiment's directory at the destination. */
  location: Buffer;
  proof: Proof;
  verifiedAt: Date;
  trouble: ReplicaTrouble | null;
}

/** Whether the copy was read back and found equal, and nothing has been found wrong with it since. */
export function isGood(copy: ManifestCopy): boolean {
  return isVerified(copy.proof) && copy.trouble === null;
}
