import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';
import type { Experiment } from '../../experiments/index.js';
import type { WorkflowRequested } from '../processing.events.js';

/** Facts about a job's experiment and input file; paths in text form. */
export type JobFacts = Record<string, string>;

export function experimentFacts(experiment: Experiment): JobFacts {
  return {
    experimentName: experiment.name,
    storageDirectory: experiment.storageDirectory,
    dataDirectory: experiment.dataDirectory,
    dataDir: experiment.dataDirectory,
    analysisDirectory: experiment.analysisDirectory,
  };
}

/** Facts about a file that an acquisition has put into the experiment. */
export function acquiredFileFacts(file: WorkflowRequested['file']): JobFacts {
  return {
    filePath: file.absolutePath,
    experimentFilePath: file.path,
    fileName: baseName(file.path),
    sourcePath: file.sourcePath,
    fileSize: String(file.sizeBytes),
    fileVersion: String(file.version),
    ...(file.md5Sum === null || file.md5Sum === undefined ? {} : { md5Sum: file.md5Sum }),
  };
}

/**
 * Facts about the `filePath` that a person gave: absolute, or relative to the experiment's directory. A file that is not
 * there is no error (dm-interfaces 5.8); one outside the experiment is, unless the caller may use any file, since
 * commands run with the station's rights and would read other people's data for the asking.
 *
 * @throws StationError PATH_TEXT_INVALID, FILE_OUTSIDE_EXPERIMENT
 */
export async function givenFileFacts(
  filePath: string,
  experiment: Experiment | undefined,
  mayUseAnyFile: boolean,
): Promise<JobFacts> {
  const given = bytesOf(filePath);
  const root = experiment === undefined ? undefined : textToPath(experiment.storageDirectory);
  const path = given[0] === SLASH || root === undefined ? given : Buffer.concat([root, Buffer.of(SLASH), given]);
  const inside = root === undefined ? undefined : await pathBelow(root, path);
  if (inside === undefined && !mayUseAnyFile) {
    throw new StationError(
      'forbidden',
      'FILE_OUTSIDE_EXPERIMENT',
      `${filePath} is not in the experiment; give a file below ${experiment?.storageDirectory ?? 'its directory'}, or upload it first.`,
      { details: { filePath } },
    );
  }
  const size = await lstat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  return {
    filePath: pathToText(path),
    fileName: baseName(pathToText(path)),
    ...(inside === undefined ? {} : { experimentFilePath: pathToText(inside) }),
    ...(size === undefined ? {} : { fileSize: String(size) }),
  };
}

const SLASH = 0x2f;

function bytesOf(filePath: string): Buffer {
  try {
    return textToPath(filePath);
  } catch (error) {
    throw new StationError('invalid', 'PATH_TEXT_INVALID', `filePath is not a path in its text form: ${filePath}`, {
      cause: error,
    });
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `path` relative to `root` when it lies below it after links are resolved. Works on bytes: latin1 holds one per character. */
async function pathBelow(root: Buffer, path: Buffer): Promise<Buffer | undefined> {
  const realRoot = await resolved(root.toString('latin1'));
  const realPath = await resolved(path.toString('latin1'));
  return realPath.startsWith(`${realRoot}/`) ? Buffer.from(realPath.slice(realRoot.length + 1), 'latin1') : undefined;
}

/** The real path; of what is not there, the real path of the nearest directory that is, and the rest as it stands. */
async function resolved(path: string): Promise<string> {
  try {
    return (await realpath(Buffer.from(path, 'latin1'), 'buffer')).toString('latin1');
  } catch (error) {
    if (driverCode(error) !== 'ENOENT' || path === '/') {
      throw new StationError(
        'invalid',
        'FILE_UNREADABLE',
        `Cannot look up ${pathToText(Buffer.from(path, 'latin1'))}.`,
        { cause: error },
      );
    }
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parent = await resolved(dirname(path));
    return name === '..' ? dirname(parent) : name === '.' ? parent : `${parent === '/' ? '' : parent}/${name}`;
  }
}
