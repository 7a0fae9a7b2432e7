import { readdir, stat } from 'node:fs/promises';
import { driverCode } from '../../kernel/errors.js';

export type Presence = { isThere: true } | { isThere: false; reason: string };

/**
 * Whether the data directory is really there. When the device below it changes and the directory is empty, a mount has
 * gone and what is seen is the bare mount point: that is a lost source, never a source whose files were deleted.
 */
export class SourcePresence {
  private device: bigint | undefined;

  constructor(private readonly directory: Buffer) {}

  async look(): Promise<Presence> {
    try {
      const stats = await stat(this.directory, { bigint: true });
      if (!stats.isDirectory()) {
        return { isThere: false, reason: 'it is not a directory' };
      }
      if (this.device !== undefined && stats.dev !== this.device && (await readdir(this.directory)).length === 0) {
        return { isThere: false, reason: 'its file system is not mounted' };
      }
      this.device = stats.dev;
      return { isThere: true };
    } catch (error) {
      const code = driverCode(error) ?? 'unknown';
      return { isThere: false, reason: code === 'ENOENT' ? 'it does not exist' : `it cannot be read (${code})` };
    }
  }
}
