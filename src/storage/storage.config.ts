import { z } from 'zod';
import { absolutePath } from '../platform/config/index.js';

/** A mode as people write it in YAML and in shells: octal digits in quotes. */
const octalMode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'must be an octal mode in quotes, such as "0640"')
  .transform((text) => parseInt(text, 8));

export const storageConfigSchema = z.strictObject({
  /** The storage area: experiments live in `<root>/<station>[/<rootPath>]/<name>`. Default: `<dataDir>/storage`. */
  root: absolutePath,
  directoryMode: octalMode.prefault('2770'),
  fileMode: octalMode.prefault('0640'),
  /** Space that a transfer must leave free in the storage area, in bytes. */
  reserveBytes: z.number().int().min(0).default(1_073_741_824),
  /** Worker threads that copy. Two saturate two cores; more only help when the disks wait. */
  workers: z.int().min(1).max(32).default(2),
});

export type StorageConfig = z.infer<typeof storageConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly storage: StorageConfig;
  }
}
