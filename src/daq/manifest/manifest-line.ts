import { pathToText } from '../../kernel/path-text.js';
import { isGood, type ManifestEntry } from './manifest-entry.js';

/** A file version of the manifest as the API shows it: one line of NDJSON. Paths in their text form. */
export interface ManifestLine {
  path: string;
  version: number;
  isLatest: boolean;
  sizeBytes: number;
  md5Sum: string | null;
  sha256Sum: string | null;
  /** Whether at least one copy was read back and found equal, with nothing found wrong since. */
  isVerified: boolean;
  copies: {
    destination: string;
    /** Relative to the experiment's directory at the destination. */
    location: string;
    proof: string;
    isVerified: boolean;
    verifiedAt: string;
    /** What an audit has found: `missing` or `damaged`. */
    trouble: string | null;
  }[];
  modifiedAt: string;
  storedAt: string | null;
  acquisitionId: string;
  source: { host: string; path: string };
  ledgerId: string;
}

export function manifestLine(entry: ManifestEntry): ManifestLine {
  return {
    path: pathToText(entry.path),
    version: entry.version,
    isLatest: entry.isLatest,
    sizeBytes: Number(entry.sizeBytes),
    md5Sum: entry.md5Sum,
    sha256Sum: entry.sha256Sum,
    isVerified: entry.copies.some(isGood),
    copies: entry.copies.map((copy) => ({
      destination: copy.destination,
      location: pathToText(copy.location),
      proof: copy.proof,
      isVerified: isGood(copy),
      verifiedAt: copy.verifiedAt.toISOString(),
      trouble: copy.trouble,
    })),
    modifiedAt: new Date(Number(entry.mtimeNs / 1_000_000n)).toISOString(),
    storedAt: entry.storedAt?.toISOString() ?? null,
    acquisitionId: entry.acquisitionId,
    source: { host: entry.sourceHost, path: pathToText(entry.sourcePath) },
    ledgerId: entry.ledgerId,
  };
}
