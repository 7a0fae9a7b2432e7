import { z } from 'zod';
import { pageQuery } from '../../platform/http/index.js';
import { LEDGER_STATES } from '../ledger/ledger-row.js';
import { normalisedExtension } from '../scan/file-extension.js';
import { LONGEST_QUIET_SECONDS } from '../settle/settle-options.js';
import { ACQUISITION_STATUSES, ENDED_STATUSES } from './acquisition.js';

/** `h5,hdf5` or a list; see normalisedExtension. */
const extensions = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? value.split(',') : value).map(normalisedExtension))
  .pipe(z.array(z.string().min(1, 'an extension is a name ending such as h5').max(255)).max(100))
  .meta({ type: 'array', items: { type: 'string' }, example: ['h5', 'hdf5'] });

const pathText = z.string().min(1).max(16_384);
const patterns = z.array(z.string().min(1).max(4096)).max(100);

const quietTime = z.number().min(0).max(LONGEST_QUIET_SECONDS);

const workflowRequest = z.strictObject({
  owner: z.string().min(1).max(64),
  name: z.string().min(1).max(256),
  /** Arguments of every job. */
  args: z.record(z.string(), z.unknown()).default({}),
  /** Whose jobs they are; the caller's by default. */
  jobOwner: z.string().min(1).max(64).optional(),
});

/** When a file counts as complete, beyond the quiet time; see src/daq/settle. */
export const settleRequest = z
  .strictObject({
    /**
     * `quiet`: unchanged for the quiet time. `marker`, `size`: that, and a marker file or the size says so. `rename`: the
     * writer renames complete files, so every name that is not temporary is complete at once.
     */
    rule: z.enum(['quiet', 'marker', 'size', 'rename']).default('quiet'),
    /** For `marker`: `{name}.done`, `{stem}.ok`, `{dir}/DONE`. */
    marker: z.string().min(1).max(4096).optional(),
    /** For `size`: a file that begins with the size in bytes, `{name}.size`. */
    sizeFile: z.string().min(1).max(4096).optional(),
    /** For `size`: smaller files are not complete. */
    minBytes: z.int().min(1).optional(),
    /** Wildcards on names of files that are still being written; the station's set when left out. */
    temporaryNames: patterns.optional(),
    /** The quiet time of empty files; four times that of others when left out, and a day at most. */
    emptyQuietSeconds: quietTime.optional(),
  })
  .meta({ example: { rule: 'marker', marker: '{name}.done' } });

export type SettleRequest = z.infer<typeof settleRequest>;

export const startAcquisitionBody = z
  .strictObject({
    kind: z.enum(['upload', 'monitor']),
    experiment: z.string().min(1),
    /** Directory on the station's machine, in the text form of paths; `@alias:/path` on a configured host. */
    dataDirectory: pathText,
    /** Below the experiment's data directory. */
    destDirectory: pathText.optional(),
    /** The experiment's analysis directory takes the files instead of its data directory. */
    useAnalysisDirectoryAsRoot: z.boolean().default(false),
    includePatterns: patterns.default([]),
    excludePatterns: patterns.default([]),
    /** Names must end in one of these (`h5`, `tar.gz`), in whatever case. */
    includeFileExtensions: extensions.default([]),
    excludeFileExtensions: extensions.default([]),
    /** Only this file of the data directory; uploads only. */
    experimentFilePath: pathText.optional(),
    /** Only these; uploads only. */
    onlyFiles: z.array(pathText).max(1000).default([]),
    processHidden: z.boolean().default(false),
    /** Files that are there at the start are taken, too; monitors only. */
    processExisting: z.boolean().default(false),
    /** It stops by itself after so long; monitors only. */
    durationSeconds: z
      .number()
      .positive()
      .max(366 * 86_400)
      .optional(),
    quietSeconds: quietTime.optional(),
    settle: settleRequest.optional(),
    /** An alarm when nothing has come for so long while it runs; 0: never. Default: the station's (monitors only). */
    silenceAlarmSeconds: z.number().min(0).max(31_536_000).optional(),
    metadata: z.record(z.string(), z.unknown()).default({}),
    skipPlugins: z.array(z.string().min(1).max(100)).max(50).default([]),
    /** The same as `skipPlugins: ["catalog"]`. */
    skipCatalog: z.boolean().default(false),
    /** Files are digested and recorded where they lie; nothing is copied. Proof `none`: never verified. */
    skipTransfer: z.boolean().default(false),
    /** Copies are compared by size only. Proof `size`: never verified. */
    skipChecksum: z.boolean().default(false),
    /** Files that are in storage already are copied, verified and cataloged again; uploads only. */
    reprocessFiles: z.boolean().default(false),
    /** `directory`: nothing is cataloged before the whole directory is verified; uploads only. */
    processingMode: z.enum(['files', 'directory']).default('files'),
    /** Source files are removed after `daq.removeGraceSeconds`, each by the proof of its copy. */
    removeSourceFiles: z.boolean().default(false),
    /** A directory that an upload brings home when the monitor ends; monitors only. */
    uploadDataDirectoryOnExit: pathText.optional(),
    /** Where that goes, below the directory that takes the monitor's files: data, or analysis. */
    uploadDestDirectoryOnExit: pathText.optional(),
    /** Where files are copied to beside the storage area; by default the destinations that are configured so. */
    destinations: z.array(z.string().min(1).max(64)).max(20).optional(),
    workflow: workflowRequest.optional(),
  })
  .meta({
    example: {
      kind: 'monitor',
      experiment: 'demo-exp',
      dataDirectory: '/data/detector/scan1',
      destDirectory: 'scan1',
      includePatterns: ['*.h5', '*.tif'],
      processExisting: true,
      metadata: { sample: 'Ceramic', temperature: 80 },
      workflow: { owner: 'admin', name: 'hdf5-summary' },
    },
  });

export type StartAcquisitionBody = z.infer<typeof startAcquisitionBody>;

/** Text that names one or several, separated by commas; `active` stands for all that are not over. */
const statusList = z
  .string()
  .transform((text) =>
    text === 'active' ? ACQUISITION_STATUSES.filter((status) => !ENDED_STATUSES.includes(status)) : text.split(','),
  )
  .pipe(z.array(z.enum(ACQUISITION_STATUSES)));

export const acquisitionsQuery = pageQuery.extend({
  status: statusList.optional(),
  kind: z.enum(['upload', 'monitor']).optional(),
  experiment: z.string().optional(),
  /** Started from here on, RFC 3339. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Started before. */
  until: z.iso.datetime({ offset: true }).optional(),
  /** Those that were taken off the list, too. */
  cleared: z.stringbool().default(false),
});

export const clearAcquisitionsBody = z
  .strictObject({
    experiment: z.string().min(1),
    kind: z.enum(['upload', 'monitor']).optional(),
    status: z
      .array(z.enum(['done', 'failed', 'aborted']))
      .min(1)
      .optional(),
    endedBefore: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ example: { experiment: 'demo-exp', status: ['done'] } });
export type ClearAcquisitionsBody = z.infer<typeof clearAcquisitionsBody>;

export const ledgerQuery = pageQuery.extend({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(LEDGER_STATES)))
    .optional(),
  /** Text form, relative to the experiment's directory. */
  path: pathText.optional(),
});

export const whyQuery = z.object({ path: pathText });

export const acquisitionId = z.uuid({
  error: 'an acquisition id is a UUID, such as those that GET /api/v1/acquisitions lists',
});
