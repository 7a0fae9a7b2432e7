import { StationError } from '../../kernel/errors.js';
import { isPlainRelative } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import type { DaqConfig } from '../daq.config.js';
import type { Acquisition, AcquisitionOptions } from './acquisition.js';
import { startAcquisitionBody, type StartAcquisitionBody } from './acquisition.schema.js';
import { pathFromText, rootOf } from './destination.js';
import { LONGEST_QUIET_SECONDS } from '../settle/settle-options.js';
import { settleOptionsOf } from './settle-request.js';
import { addressText, locationOf } from './source-addresses.js';

/** What a request asks for, with what it leaves out filled in. */
export function optionsOf(
  body: StartAcquisitionBody,
  defaults: {
    /** Whose the jobs are. */
    username: string;
    daq: Pick<DaqConfig, 'quietSeconds' | 'temporaryNames'>;
    /** Names, resolved already. */
    destinations: string[];
  },
): AcquisitionOptions {
  const { workflow } = body;
  const quietSeconds = body.quietSeconds ?? defaults.daq.quietSeconds;
  return {
    includePatterns: body.includePatterns,
    excludePatterns: body.excludePatterns,
    includeFileExtensions: body.includeFileExtensions,
    excludeFileExtensions: body.excludeFileExtensions,
    onlyFiles: onlyFilesOf(body),
    processHidden: body.processHidden,
    processExisting: body.processExisting,
    durationSeconds: body.durationSeconds ?? null,
    quietSeconds,
    settle: settleOptionsOf(body.settle, quietSeconds, defaults.daq),
    silenceAlarmSeconds: body.silenceAlarmSeconds ?? null,
    metadata: body.metadata,
    skipPlugins: [...new Set([...body.skipPlugins, ...(body.skipCatalog ? ['catalog'] : [])])],
    // Further copies are made from the one in the storage area, which there is none of then.
    destinations: body.skipTransfer ? [] : defaults.destinations,
    skipTransfer: body.skipTransfer,
    skipChecksum: body.skipChecksum,
    reprocessFiles: body.reprocessFiles,
    processingMode: body.processingMode,
    removeSourceFiles: body.removeSourceFiles,
    uploadDataDirectoryOnExit: body.uploadDataDirectoryOnExit ?? null,
    uploadDestDirectoryOnExit: body.uploadDestDirectoryOnExit ?? null,
    workflow:
      workflow === undefined
        ? null
        : {
            owner: workflow.owner,
            name: workflow.name,
            args: workflow.args,
            jobOwner: workflow.jobOwner ?? defaults.username,
          },
  };
}

/**
 * The request that an acquisition began with, for one that takes its work up again.
 *
 * @throws StationError RESUME_NOT_POSSIBLE
 */
export function bodyOf(acquisition: Acquisition, experiment: string): StartAcquisitionBody {
  const { id, kind, options, destinationDirectory } = acquisition;
  const [, ...below] = pathToText(destinationDirectory).split('/');
  const body = startAcquisitionBody.safeParse({
    ...withoutNulls(options),
    // Of an upload they are in older records only, without effect.
    processExisting: kind === 'monitor' && options.processExisting,
    durationSeconds: kind === 'monitor' ? (options.durationSeconds ?? undefined) : undefined,
    // A file more than fits in onlyFiles can be asked for.
    onlyFiles: options.onlyFiles.slice(0, -1),
    experimentFilePath: options.onlyFiles.at(-1),
    settle: {
      ...withoutNulls(options.settle),
      // Older records may hold more than may be asked for.
      emptyQuietSeconds: Math.min(options.settle.emptyQuietSeconds, LONGEST_QUIET_SECONDS),
    },
    kind,
    experiment,
    dataDirectory: addressText(locationOf(acquisition)),
    useAnalysisDirectoryAsRoot: rootOf(destinationDirectory) === 'analysis',
    ...(below.length === 0 ? {} : { destDirectory: below.join('/') }),
  });
  if (!body.success) {
    const [issue] = body.error.issues;
    throw new StationError(
      'conflict',
      'RESUME_NOT_POSSIBLE',
      `The record of acquisition ${id} cannot be asked for as it is (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}). Start a new one on its directory.`,
    );
  }
  return body.data;
}

/** What was left out of a request is null in the record. */
function withoutNulls(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
}

/**
 * Which options go with which kind of acquisition, and with each other.
 *
 * @throws StationError OPTION_NOT_APPLICABLE, OPTION_CONFLICT, OPTION_INCOMPLETE
 */
export function requireFitting(body: StartAcquisitionBody): void {
  const ofUploads = body.experimentFilePath !== undefined || body.onlyFiles.length > 0;
  if (body.kind === 'monitor' && ofUploads) {
    throw notApplicable('experimentFilePath and onlyFiles are', 'uploads');
  }
  if (body.kind === 'upload' && body.uploadDataDirectoryOnExit !== undefined) {
    throw notApplicable('uploadDataDirectoryOnExit is', 'monitors');
  }
  if (body.kind === 'upload' && body.durationSeconds !== undefined) {
    throw notApplicable('durationSeconds is', 'monitors', 'an upload ends by itself when all is brought');
  }
  if (body.kind === 'upload' && body.processExisting) {
    throw notApplicable('processExisting is', 'monitors', 'an upload takes what is there in any case');
  }
  if (body.kind === 'monitor' && body.reprocessFiles) {
    throw notApplicable('reprocessFiles is', 'uploads');
  }
  if (body.kind === 'monitor' && body.processingMode === 'directory') {
    throw notApplicable('processingMode "directory" is', 'uploads');
  }
  for (const [one, other, why] of CONFLICTS) {
    if (isChosen(body, one) && isChosen(body, other)) {
      throw new StationError('invalid', 'OPTION_CONFLICT', `${one} and ${other} exclude each other: ${why}`);
    }
  }
  if (body.uploadDestDirectoryOnExit !== undefined && body.uploadDataDirectoryOnExit === undefined) {
    throw new StationError(
      'invalid',
      'OPTION_INCOMPLETE',
      'uploadDestDirectoryOnExit says where uploadDataDirectoryOnExit goes; name that directory, too.',
    );
  }
}

type Choice = 'removeSourceFiles' | 'skipTransfer' | 'skipChecksum' | 'reprocessFiles' | 'processingMode "directory"';

const CONFLICTS: readonly (readonly [Choice, Choice, string])[] = [
  ['removeSourceFiles', 'skipTransfer', 'a file that is not copied is not removed.'],
  ['removeSourceFiles', 'skipChecksum', 'a copy that was compared by size only never justifies a deletion.'],
  ['removeSourceFiles', 'processingMode "directory"', 'a directory is left as one unit.'],
  ['skipTransfer', 'skipChecksum', 'nothing would be known of the file.'],
  ['skipTransfer', 'reprocessFiles', 'reprocessing verifies a copy again.'],
  ['skipChecksum', 'reprocessFiles', 'reprocessing verifies a copy again.'],
];

function isChosen(body: StartAcquisitionBody, choice: Choice): boolean {
  return choice === 'processingMode "directory"' ? body.processingMode === 'directory' : body[choice];
}

function notApplicable(what: string, kinds: string, because?: string): StationError {
  const why = because === undefined ? '' : `: ${because}`;
  return new StationError('invalid', 'OPTION_NOT_APPLICABLE', `${what} for ${kinds} only; leave it out${why}.`);
}

/** The named files in one spelling. @throws StationError PATH_INVALID */
function onlyFilesOf(body: StartAcquisitionBody): string[] {
  const named = [...body.onlyFiles, ...(body.experimentFilePath === undefined ? [] : [body.experimentFilePath])];
  const paths = named.map((text) => {
    const path = pathFromText(text);
    if (!isPlainRelative(path)) {
      throw new StationError(
        'invalid',
        'PATH_INVALID',
        `${text} must be a plain path relative to dataDirectory, such as scan1/a.h5, without "." or "..".`,
      );
    }
    return pathToText(path);
  });
  return [...new Set(paths)];
}
