import { wildcard } from '../../kernel/wildcard.js';
import type { ReaderDefinition } from './definitions/reader-definition.js';
import type { FileFormat } from './metadata-readers.port.js';

/**
 * The reader of a file: the first one that is on and fits by format, or by path or name.
 *
 * @param readers In the order in which they are asked.
 * @param name Text form of the path in the experiment.
 */
export function chooseReader(
  readers: readonly ReaderDefinition[],
  format: FileFormat | null,
  name: string,
): ReaderDefinition | undefined {
  return readers.find(
    (reader) => reader.isEnabled && ((format !== null && reader.formats.includes(format)) || fits(reader, name)),
  );
}

/** A pattern without a slash is meant for the name alone: `scan_*.dat` fits in every directory. */
function fits({ files }: ReaderDefinition, path: string): boolean {
  return files.some((pattern) =>
    wildcard(pattern)(pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1)),
  );
}
