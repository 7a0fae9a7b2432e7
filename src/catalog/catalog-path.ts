import { pathToText, textToPath } from '../kernel/path-text.js';
import { invalidFile } from './catalog.errors.js';

/** Longest path on Linux, in bytes. */
const MAX_PATH_BYTES = 4096;

/**
 * The canonical text form of a path inside an experiment: relative, without empty, `.` and `..` segments. Two texts of
 * the same bytes become one, so that the text can be the key.
 *
 * @throws StationError CATALOG_FILE_INVALID with the reason.
 */
export function canonicalPath(text: string): string {
  if (!text.isWellFormed()) {
    throw invalidFile('The path is not valid Unicode. Write raw bytes as \\xHH.');
  }
  const bytes = bytesOf(text);
  if (bytes.length === 0 || bytes.length > MAX_PATH_BYTES) {
    throw invalidFile(`A path has 1 to ${MAX_PATH_BYTES} bytes; this one has ${bytes.length}.`);
  }
  const canonical = pathToText(bytes);
  const segments = canonical.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw invalidFile('A path is relative to the experiment, such as data/scan1/a.h5, without empty, . and .. parts.', {
      path: canonical,
    });
  }
  return canonical;
}

/** Last segment of a canonical path. */
export function nameOfPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function bytesOf(text: string): Buffer {
  try {
    return textToPath(text);
  } catch (error) {
    throw invalidFile(error instanceof Error ? error.message : 'The path cannot be read.');
  }
}
