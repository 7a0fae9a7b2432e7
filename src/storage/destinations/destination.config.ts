import { z } from 'zod';
import { absolutePath } from '../../platform/config/index.js';
import { destinationGroupKey, destinationPermissionKeys } from '../area-permissions.js';
import { hostAccount, hostAddress, hostAlias } from '../hosts/hosts.config.js';
import { octalMode } from '../octal-mode.js';

/** What every kind of destination has. */
const common = {
  /** What acquisitions, replicas and alarms call it. `primary` is the storage area itself. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes')
    .refine((name) => name !== 'primary', 'is taken: primary is the storage area'),
  /** Every acquisition copies there unless it names its own destinations. */
  default: z.boolean().default(false),
  /** Source files are removed only when the copy there is proven, too; that it is away is critical, not only worth a warning. */
  required: z.boolean().default(false),
  /** Batches copied there at the same time. */
  concurrency: z.int().min(1).max(16).default(1),
  /** Bytes per second that copies there may take on average; no limit without it. */
  bytesPerSecond: z.number().int().min(1024).optional(),
  fileMode: octalMode.optional(),
  directoryMode: octalMode.optional(),
};

/** A directory on this machine, such as a mirror on another disk or a mounted file system. */
const localDestination = z.strictObject({
  ...common,
  ...destinationPermissionKeys,
  engine: z.literal('local'),
  root: absolutePath,
  /** Space that copies must leave free there, in bytes. */
  reserveBytes: z.number().int().min(0).default(1_073_741_824),
});

/** A directory of another machine, by rsync over ssh. */
const rsyncDestination = z.strictObject({
  ...common,
  ...destinationPermissionKeys,
  engine: z.literal('rsync'),
  /** Alias of a host in `storage.hosts`. */
  host: hostAlias,
  root: absolutePath,
  reserveBytes: z.number().int().min(0).default(1_073_741_824),
});

/** A directory behind a GridFTP server. Its copies are `read-back-unsynced`: they never justify a deletion. */
const gridftpDestination = z.strictObject({
  ...common,
  ...destinationGroupKey,
  engine: z.literal('gridftp'),
  address: hostAddress,
  port: z.int().min(1).max(65535).default(2811),
  user: hostAccount.default('anonymous'),
  /** File that holds the password and nothing else, readable by the station only. */
  passwordFile: absolutePath.optional(),
  /** Must exist there. */
  root: absolutePath,
  /** Parallel TCP streams of one file. */
  streams: z.int().min(1).max(64).default(4),
});

export const destinationConfigSchema = z.discriminatedUnion('engine', [
  localDestination,
  rsyncDestination,
  gridftpDestination,
]);

export type DestinationConfig = z.infer<typeof destinationConfigSchema>;

export const destinationsConfigSchema = z
  .array(destinationConfigSchema)
  .default([])
  .refine((list) => new Set(list.map((one) => one.name)).size === list.length, 'each destination needs its own name');
