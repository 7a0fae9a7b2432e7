import { messageOf } from '../../../kernel/errors.js';
import type { FileFormat, RawTree } from '../metadata-readers.port.js';
import { boundedTree } from './bounded-tree.js';
import { readCbf } from './cbf.js';
import { readEdf } from './edf.js';
import { type FileSource, UnreadableFile } from './file-source.js';
import { readMda } from './mda.js';
import { DamagedFile, type FormatReader, ReadingDraft } from './reading-draft.js';
import { readJson, readYaml } from './side-files.js';
import { readSpec } from './spec/read-spec.js';
import { readTiff } from './tiff.js';

/** Loaded when the first file of its kind comes: four megabytes of WebAssembly, which SPEC files do not need. */
const readHdf5: FormatReader = async (source, draft) => (await import('./hdf5/read-hdf5.js')).readHdf5(source, draft);

const READERS: Readonly<Record<FileFormat, FormatReader>> = {
  hdf5: readHdf5,
  tiff: readTiff,
  mda: readMda,
  spec: readSpec,
  cbf: readCbf,
  edf: readEdf,
  json: readJson,
  yaml: readYaml,
};

export interface Reading {
  raw: RawTree | null;
  complaint: string | null;
  /** The reader itself may be damaged by this file, and should not read another one. */
  isReaderBroken: boolean;
}

/** Reads a file of a known format. Never throws: what is wrong becomes the complaint, beside what could be read. */
export async function readFormat(format: FileFormat, source: FileSource): Promise<Reading> {
  const draft = new ReadingDraft();
  let isReaderBroken = false;
  try {
    await READERS[format](source, draft);
  } catch (error) {
    isReaderBroken = !(error instanceof DamagedFile || error instanceof UnreadableFile);
    const isKnown = !isReaderBroken;
    draft.complain(isKnown ? messageOf(error) : `The ${format} reader failed: ${messageOf(error)}.`);
  }
  const raw = boundedTree(draft.raw, draft.omitted);
  return { raw: Object.keys(raw).length === 0 ? null : raw, complaint: draft.complaint, isReaderBroken };
}
