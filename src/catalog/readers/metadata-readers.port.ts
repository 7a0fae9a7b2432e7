/** The formats that the station reads itself. */
export const FILE_FORMATS = ['hdf5', 'tiff', 'mda', 'spec', 'cbf', 'edf', 'json', 'yaml'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** What a reader found, as it found it: plain JSON, at most 1 MiB of it. README, "Raw trees", tells the shape by format. */
export type RawTree = Record<string, unknown>;

/** Exactly what a document records of a reading. */
export interface ReaderFindings {
  /**
   * Names the shape of `raw`, which naming rules go by: one of {@link FILE_FORMATS}, or the name of the custom reader that
   * made it. Null where no reader knows the file; that is no reason to complain.
   */
  format: string | null;
  /** Who read it: name of a reader. Null where no reader knows the file. */
  reader: string | null;
  /** Null where nothing could be read. Beside a complaint it is what could be read nevertheless. */
  raw: RawTree | null;
  /** What is wrong with the file, or what stopped its reader, as a sentence. Null where all is well. */
  complaint: string | null;
}

/**
 * Reads what describes a file out of it, whatever it is and whatever state it is in.
 *
 * Obligations:
 * - A damaged, unknown, huge, hostile or vanished file is never an exception: the answer then has a complaint (or, for an
 *   unknown one, nothing at all).
 * - No file is waited for longer than its reader's time limit, once its turn has come, and none takes more memory than
 *   the limit; one that tries gets a complaint that names the limit, and others are not affected.
 * - Reading happens outside this process. Any number of calls may be made at once; they wait for their turn.
 * - Only regular files are opened, for reading only, and the last component of the path is never followed as a link.
 * - Nothing is kept between calls: whoever reads a file again gets the answer of its content now.
 */
export interface MetadataReaders {
  /**
   * @param path Of the file on this machine, absolute; bytes where its name is no UTF-8.
   * @param name Path in the experiment in its text form (as in the catalog), by which custom readers are chosen and side files
   *   without a telling content (YAML) are known.
   * @throws the reason of `signal` when it is aborted; the file is then no longer read.
   * @throws StationError of kind unavailable when no reader can be started (READERS_UNAVAILABLE) or the definitions cannot be
   *   had: nothing is known about the file then, so ask again later.
   */
  read(path: Buffer | string, name: string, signal?: AbortSignal): Promise<ReaderFindings>;
}

export const METADATA_READERS = Symbol('MetadataReaders');
