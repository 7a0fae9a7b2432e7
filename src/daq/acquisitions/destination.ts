import { realpath } from 'node:fs/promises';
import { driverCode, StationError } from '../../kernel/errors.js';
import { directoryOf, isBelowOrSame, isPlainRelative, joinBytes } from '../../kernel/path-bytes.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';

/** Text that a client sent as a path, as bytes. @throws StationError PATH_INVALID */
export function pathFromText(text: string): Buffer {
  try {
    const path = textToPath(text);
    if (path.includes(0)) {
      throw new RangeError('A path cannot hold a NUL byte.');
    }
    return path;
  } catch (error) {
    throw new StationError('invalid', 'PATH_INVALID', error instanceof Error ? error.message : String(error));
  }
}

/** Which directory of an experiment takes files. */
export type DestinationRoot = 'data' | 'analysis';

/** Of a directory that {@link destinationOf} answered. */
export function rootOf(destinationDirectory: Buffer): DestinationRoot {
  const [first] = pathToText(destinationDirectory).split('/');
  return first === 'analysis' ? 'analysis' : 'data';
}

/**
 * The directory, relative to the experiment's, that takes the files. It must stay inside after links are resolved: the
 * nearest directory that exists already is looked at now, what is made later is checked again by every copy.
 *
 * @throws StationError DESTINATION_INVALID
 */
export async function destinationOf(
  experimentDirectory: Buffer,
  root: DestinationRoot,
  destDirectory: string | undefined,
): Promise<Buffer> {
  const below = stripSlashes(pathFromText(destDirectory ?? ''));
  if (below.length > 0 && (!isPlainRelative(below) || destDirectory?.startsWith('/') === true)) {
    throw invalid(
      `destDirectory ${destDirectory ?? ''} must be a plain relative path below the experiment's ${root} directory, without "." or "..".`,
    );
  }
  const destination = joinBytes(Buffer.from(root), below);
  const experiment = await realpath(experimentDirectory, 'buffer');
  let at = joinBytes(experimentDirectory, destination);
  for (;;) {
    const real = await resolveIfThere(at);
    if (real !== undefined) {
      if (!isBelowOrSame(real, experiment)) {
        throw invalid(`destDirectory ${destDirectory ?? ''} leads out of the experiment through a symbolic link.`);
      }
      return destination;
    }
    at = directoryOf(at);
  }
}

async function resolveIfThere(path: Buffer): Promise<Buffer | undefined> {
  try {
    return await realpath(path, 'buffer');
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw invalid(`The destination cannot be used (${driverCode(error) ?? 'unknown'}).`);
  }
}

function stripSlashes(path: Buffer): Buffer {
  let end = path.length;
  while (end > 0 && path[end - 1] === 0x2f) {
    end -= 1;
  }
  return path.subarray(0, end);
}

function invalid(message: string): StationError {
  return new StationError('invalid', 'DESTINATION_INVALID', message);
}
