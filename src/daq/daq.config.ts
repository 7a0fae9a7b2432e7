import { z } from 'zod';
import { absolutePath } from '../platform/config/index.js';
import { pluginSettingsSchema } from './plugins/plugin-settings.js';
import { webhooksConfigSchema } from './plugins/webhook/webhook.config.js';
import { vigilanceConfigSchema } from './vigilance/vigilance.config.js';

/**
 * Names that are never data: half-written remains of copying tools, editors and file servers (the field-proven set of
 * similar systems). Nothing else is left out silently.
 */
const IGNORED = ['.dm-*.part', '.~tmp~', '.nfs[0-9a-f]*', '.fuse_hidden*', '*.swp', '.DS_Store', '._*', 'Thumbs.db'];

export const auditConfigSchema = z.strictObject({
  /** Experiments are audited by themselves. */
  enabled: z.boolean().default(true),
  /** How often each experiment that has files is looked over, in days. */
  periodDays: z.number().positive().max(3650).default(7),
  /** Bytes that such an audit reads again at most, those that were verified longest ago first; 0: none. */
  byteBudget: z.number().int().min(0).default(20_000_000_000),
  /** How fast it reads them. */
  bytesPerSecond: z.number().int().min(1).default(20_000_000),
});

export const daqConfigSchema = z.strictObject({
  /** Acquisitions may read below these directories only. Default: `<dataDir>/incoming`. */
  sourceRoots: z.array(absolutePath),
  /** A file is complete when its size, mtime and inode have not changed for this long, in seconds. */
  quietSeconds: z.number().min(0).max(86_400).default(5),
  /** Pause between two looks over a monitored tree, in seconds; events only make it faster. */
  rescanSeconds: z.number().min(0.2).max(86_400).default(10),
  /** Whether file events make detection faster; without them files are found by the rescan alone. */
  watchDirectories: z.boolean().default(true),
  /**
   * In this time, in seconds, every file of a monitored tree is looked at again, so that one that was rewritten in place
   * without an event is found. Trees that are walked quickly are walked wholly at each rescan.
   */
  sweepSeconds: z.number().min(1).max(604_800).default(600),
  /** A source whose file system lets a single call wait for longer counts as lost until it answers, in seconds. */
  sourceAnswerSeconds: z.number().min(1).max(3600).default(20),
  /**
   * Names of files that are still being written, as shell wildcards on the file name. They are never taken; the name
   * that they get in the end is.
   */
  temporaryNames: z.array(z.string().min(1).max(4096)).default(['*.tmp', '*.part', '*.partial', '*.filepart']),
  /** How often a transient fault is tried again before the file is quarantined for a person. */
  maxAttempts: z.int().min(1).max(100).default(8),
  /** A batch holds at most this many files … */
  batchFiles: z.int().min(1).max(5000).default(500),
  /** … and this many bytes, unless a single file is larger. */
  batchBytes: z.number().int().min(1).default(268_435_456),
  /** A source file is removed (`removeSourceFiles`) no sooner than this long after it was done, in seconds. */
  removeGraceSeconds: z
    .number()
    .min(0)
    .max(366 * 86_400)
    .default(3600),
  /** What a person deleted can be brought back from the trash for this many days. */
  trashDays: z.number().min(0).max(3660).default(30),
  /** Names that are never taken, as shell wildcards on the file name. */
  ignoredNames: z.array(z.string()).default(IGNORED),
  /** Folder of this beamline's own per-file plug-ins (`*.js`, `*.mjs`); see src/daq/pipeline/README.md. */
  pluginDirectory: absolutePath.optional(),
  /** Longest time that a plug-in of the beamline may take for one file, in seconds. */
  pluginTimeoutSeconds: z.number().positive().default(60),
  /** Memory of each such plug-in: the heap of the thread that it runs in. */
  pluginMemoryMegabytes: z.int().min(16).max(65_536).default(256),
  /** By plug-in: order, time limit, what an error means, options. Naming an optional one switches it on. */
  plugins: z.record(z.string(), pluginSettingsSchema).default({}),
  /** Audits that nobody has to start; see src/daq/audit/README.md. */
  audit: auditConfigSchema.prefault({}),
  webhooks: webhooksConfigSchema.prefault({}),
  vigilance: vigilanceConfigSchema.prefault({}),
});

export type DaqConfig = z.infer<typeof daqConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly daq: DaqConfig;
  }
}
