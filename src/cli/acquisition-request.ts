import { type Command, Option } from 'commander';
import type { CliContext } from './context.js';
import { usageError } from './exit-codes.js';
import { parseKeyValues } from './key-values.js';
import { directoryText } from './local-directory.js';
import { collect, collectList, parseCount, parseDuration, parseList, parseWorkflowRef } from './parse-options.js';

/** Options that `dm upload` and `dm daq start` share. */
export interface AcquisitionOptions {
  experiment?: string;
  destDirectory?: string;
  analysis?: boolean;
  include?: string[];
  exclude?: string[];
  extensions?: string[];
  excludeExtensions?: string[];
  processHidden?: boolean;
  quiet?: number;
  settle?: string;
  marker?: string;
  sizeFile?: string;
  minBytes?: number;
  temporaryNames?: string[];
  emptyQuiet?: number;
  skipPlugins?: string[];
  destination?: string[];
  workflow?: string;
  workflowArg?: string[];
  workflowJobOwner?: string;
  skipCatalog?: boolean;
  skipTransfer?: boolean;
  skipChecksum?: boolean;
  removeSourceFiles?: boolean;
  silenceAlarm?: number;
  // uploads only
  reprocess?: boolean;
  asDirectory?: boolean;
  onlyFile?: string[];
  // monitors only
  uploadDataDirectoryOnExit?: string;
  uploadDestDirectoryOnExit?: string;
  processExisting?: boolean;
  duration?: number;
}

export function withAcquisitionOptions(command: Command): Command {
  return command
    .argument('<directory>', 'where the files appear; below one of the source roots of the station')
    .argument('[key:value...]', 'metadata recorded with every file; only the first colon splits')
    .option('-e, --experiment <name>', 'experiment that the files belong to (or DM_EXPERIMENT)')
    .option('--dest-directory <path>', 'directory below the data directory (with --analysis: the analysis directory)')
    .option('--analysis', 'bring the files to the analysis directory instead of the data directory')
    .option(
      '--include <pattern>',
      'take only files that match, such as "*.h5"; separated by commas or repeated',
      collectList,
    )
    .option('--exclude <pattern>', 'leave files out that match; separated by commas or repeated', collectList)
    .option('--extensions <list>', 'take only names that end so, such as h5,hdf5', collectList)
    .option('--exclude-extensions <list>', 'leave names out that end so', collectList)
    .option('--process-hidden', 'take names that begin with a dot, too')
    .option('--quiet <duration>', 'how long a file must stay unchanged to count as complete, such as 5s', parseDuration)
    .addOption(
      new Option('--settle <rule>', 'what makes a file complete besides: a marker file, its size, or its last name')
        .choices(['quiet', 'marker', 'size', 'rename'])
        .default(undefined, 'quiet'),
    )
    .option('--marker <pattern>', 'for --settle marker: such as {name}.done or {dir}/DONE')
    .option('--size-file <pattern>', 'for --settle size: a file that begins with the size, such as {name}.size')
    .option('--min-bytes <number>', 'for --settle size: smaller files are not complete', parseCount)
    .option(
      '--temporary-names <list>',
      'names of files that are still being written, such as *.tmp,*.part',
      collectList,
    )
    .option('--empty-quiet <duration>', 'how long an empty file must stay so, such as 30s', parseDuration)
    .option('--silence-alarm <duration>', 'call a person when nothing has come for so long, such as 30m', parseDuration)
    .option('--skip-plugins <list>', 'leave out steps of the pipeline, separated by commas', parseList)
    .option('--skip-catalog', 'bring the files to storage without a catalog entry')
    .option(
      '--destination <list>',
      'copy to these destinations, too; "primary" for none but the storage area',
      parseList,
    )
    .option('--skip-transfer', 'digest and record the files where they lie, without a copy: never counts as verified')
    .option('--skip-checksum', 'compare copies by size only: never counts as verified')
    .option('--remove-source-files', 'remove each source file once its copy is proven and the grace time is over')
    .option('--workflow <owner/name>', 'start this workflow for each file that is done')
    .option('--workflow-arg <key:value>', 'argument for it; may be repeated', collect)
    .option('--workflow-job-owner <username>', 'whom its jobs belong to');
}

/** The body of `POST /acquisitions`. */
export function acquisitionRequest(
  context: CliContext,
  kind: 'upload' | 'monitor',
  directory: string,
  metadataPairs: readonly string[],
  options: AcquisitionOptions,
): Record<string, unknown> {
  const metadata = parseKeyValues(metadataPairs);
  return dropUndefined({
    kind,
    experiment: context.experiment(options.experiment),
    dataDirectory: directoryText(directory, context.io.workingDirectory),
    destDirectory: options.destDirectory,
    useAnalysisDirectoryAsRoot: options.analysis,
    includePatterns: options.include,
    excludePatterns: options.exclude,
    includeFileExtensions: options.extensions,
    excludeFileExtensions: options.excludeExtensions,
    onlyFiles: options.onlyFile,
    processHidden: options.processHidden,
    processExisting: options.processExisting,
    durationSeconds: options.duration,
    quietSeconds: options.quiet,
    settle: settleOf(options),
    silenceAlarmSeconds: options.silenceAlarm,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    skipPlugins: options.skipPlugins,
    skipCatalog: options.skipCatalog,
    skipTransfer: options.skipTransfer,
    skipChecksum: options.skipChecksum,
    removeSourceFiles: options.removeSourceFiles,
    reprocessFiles: options.reprocess,
    processingMode: options.asDirectory === true ? 'directory' : undefined,
    uploadDataDirectoryOnExit:
      options.uploadDataDirectoryOnExit === undefined
        ? undefined
        : directoryText(options.uploadDataDirectoryOnExit, context.io.workingDirectory),
    uploadDestDirectoryOnExit: options.uploadDestDirectoryOnExit,
    destinations: options.destination,
    workflow: workflowOf(options),
  });
}

function settleOf(options: AcquisitionOptions): Record<string, unknown> | undefined {
  const settle = dropUndefined({
    rule: options.settle,
    marker: options.marker,
    sizeFile: options.sizeFile,
    minBytes: options.minBytes,
    temporaryNames: options.temporaryNames,
    emptyQuietSeconds: options.emptyQuiet,
  });
  return Object.keys(settle).length === 0 ? undefined : settle;
}

function workflowOf(options: AcquisitionOptions): Record<string, unknown> | undefined {
  if (options.workflow === undefined) {
    if (options.workflowArg !== undefined || options.workflowJobOwner !== undefined) {
      throw usageError('--workflow-arg and --workflow-job-owner need --workflow OWNER/NAME.');
    }
    return undefined;
  }
  return dropUndefined({
    ...parseWorkflowRef(options.workflow),
    args: options.workflowArg === undefined ? undefined : parseKeyValues(options.workflowArg),
    jobOwner: options.workflowJobOwner,
  });
}

function dropUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
