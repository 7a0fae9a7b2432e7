import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';

/** The directories below which acquisitions may read, with links resolved. */
@Injectable()
export class SourceRoots implements OnModuleInit {
  constructor(@Inject(CONFIG) private readonly config: StationConfig) {}

  /** The default root is the station's own; a beamline's roots are made by the beamline. */
  async onModuleInit(): Promise<void> {
    const incoming = join(this.config.dataDir, 'incoming');
    if (this.config.daq.sourceRoots.includes(incoming)) {
      await mkdir(incoming, { recursive: true });
    }
  }

  configured(): readonly string[] {
    return this.config.daq.sourceRoots;
  }

  /** Looked up anew each time: a mount may come and go, and a link may be pointed elsewhere. */
  async resolved(): Promise<Buffer[]> {
    const roots = await Promise.all(this.configured().map(resolveIfThere));
    return roots.filter((root) => root !== undefined);
  }

  /** Whether a directory, links resolved, may be read: below a root, and not in the storage area. */
  async allows(directory: Buffer): Promise<boolean> {
    const storage = await resolveIfThere(this.config.storage.root);
    const isInStorage = storage !== undefined && isBelowOrSame(directory, storage);
    return !isInStorage && (await this.resolved()).some((root) => isBelowOrSame(directory, root));
  }
}

async function resolveIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await realpath(path, 'buffer');
  } catch {
    return undefined;
  }
}
