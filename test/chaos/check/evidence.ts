/** Paths are keys of one character per byte (latin1), relative to the experiment's directory. */
export interface LedgerFact {
  id: string;
  path: string;
  version: number | null;
  state: string;
  md5Sum: string | null;
  reason: string | null;
  /** The row processed the content of another row again and stands for no version. */
  reprocesses: string | null;
}

export interface ReplicaFact {
  ledgerId: string;
  location: string;
  md5Sum: string | null;
}

export interface DocumentFact {
  path: string;
  version: number;
  md5Sum: string | null;
  ledgerId: string | null;
}

/** All that was found of one experiment, by means other than the station's own. */
export interface Evidence {
  /** `md5sum` of every source file, by the path where its copy belongs. */
  sources: ReadonlyMap<string, string>;
  /** `md5sum` of every file below the experiment's directory in storage. */
  stored: ReadonlyMap<string, string>;
  ledger: readonly LedgerFact[];
  replicas: readonly ReplicaFact[];
  documents: readonly DocumentFact[];
  /** What the station says of the catalog as a whole. */
  statistics: { countFiles: number };
  /** MD5 of what a fault has made of copies that were stored: a repair keeps each aside. */
  damaged: ReadonlySet<string>;
}

/** What an invariant was broken by. `other`: neither, but not as it should be. */
export type Breach = 'lost' | 'corrupt' | 'duplicated' | 'phantom' | 'other';

export interface Finding {
  breach: Breach;
  /** Relative to the experiment's directory. */
  path: string;
  detail: string;
}
