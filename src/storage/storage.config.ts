import { z } from 'zod';
import { absolutePath } from '../platform/config/index.js';
import { areaPermissionKeys } from './area-permissions.js';
import { destinationsConfigSchema } from './destinations/destination.config.js';
import { remoteHostsSchema } from './hosts/hosts.config.js';
import { octalMode } from './octal-mode.js';

export const storageConfigSchema = z.strictObject({
  /** The storage area: experiments live in `<root>/<station>[/<rootPath>]/<name>`. Default: `<dataDir>/storage`. */
  root: absolutePath,
  directoryMode: octalMode.prefault('2770'),
  fileMode: octalMode.prefault('0640'),
  ...areaPermissionKeys,
  /** Space that a transfer must leave free in the storage area, in bytes. */
  reserveBytes: z.number().int().min(0).default(1_073_741_824),
  /** Worker threads that copy. Two saturate two cores; more only help when the disks wait. */
  workers: z.int().min(1).max(32).default(2),
  /** Further places that copies go to; see src/daq/replication/README.md. */
  destinations: destinationsConfigSchema,
  /** Bytes per second that copies on this machine may take on average; no limit without it. */
  bytesPerSecond: z.number().int().min(1024).optional(),
  /** Machines that the station may speak with by ssh, by alias. */
  hosts: remoteHostsSchema,
});

export type StorageConfig = z.infer<typeof storageConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly storage: StorageConfig;
  }
}
