import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';

/** The directories below which acquisitions may read, with links resolved. */
@Injectable()
export class SourceRoots implements OnModuleInit {
  constructor(@Inject(CONFIG) private readonly config: StationConfig) {}

  /** The default root and the jobs' working area are the station's own; a beamline's roots are made by the beamline. */
  async onModuleInit(): Promise<void> {
    const incoming = join(this.config.dataDir, 'incoming');
    if (this.config.daq.sourceRoots.includes(incoming)) {
      await mkdir(incoming, { recursive: true });
    }
  }

  configured(): readonly string[] {
    return this.config.daq.sourceRoots;
  }

  /** Where the results of jobs lie, which the station itself uploads. */
  get jobsDirectory(): string {
    return join(this.config.dataDir, 'jobs');
  }

  /** Looked up anew each time: a mount may come and go, and a link may be pointed elsewhere. */
  async resolved(): Promise<Buffer[]> {
    const roots = await Promise.all([...this.configured(), this.jobsDirectory].map(resolveIfThere));
    return roots.filter((root) => root !== undefined);
  }

  /** Whether a directory, links resolved, may be read. Results of jobs only by the station itself. */
  async allows(directory: Buffer, options: { isJobResult: boolean }): Promise<boolean> {
    const candidates = options.isJobResult ? [this.jobsDirectory] : this.configured();
    const roots = await Promise.all(candidates.map(resolveIfThere));
    return roots.some((root) => root !== undefined && isBelowOrSame(directory, root));
  }
}

async function resolveIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await realpath(path, 'buffer');
  } catch {
    return undefined;
  }
}
