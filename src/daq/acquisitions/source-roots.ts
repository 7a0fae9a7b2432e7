import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { RemoteHosts } from '../../storage/index.js';

/** A disk answers in less than a thousandth of this. */
const ANSWER_MS = 500;

/** The directories below which acquisitions may read, with links resolved. */
@Injectable()
export class SourceRoots implements OnModuleInit {
  private readonly known = new Map<string, Buffer | undefined>();
  private readonly asked = new Map<string, Promise<void>>();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly hosts: RemoteHosts,
  ) {}

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

  /** Those of another machine, which resolves their links itself. @throws StationError HOST_UNKNOWN */
  configuredOn(host: string): readonly string[] {
    return this.hosts.get(host).sourceRoots;
  }

  /**
   * Looked up anew each time: a mount may come and go, and a link may be pointed elsewhere. A root whose file system
   * does not answer at once counts as it was, so that it holds up no other one; it is asked once at a time.
   */
  async resolved(): Promise<Buffer[]> {
    const roots = await Promise.all(this.configured().map((root) => this.resolve(root)));
    return roots.filter((root) => root !== undefined);
  }

  /** Whether a directory, links resolved, may be read: below a root, and not in the storage area. */
  async allows(directory: Buffer): Promise<boolean> {
    const storage = await resolveIfThere(this.config.storage.root);
    const isInStorage = storage !== undefined && isBelowOrSame(directory, storage);
    return !isInStorage && (await this.resolved()).some((root) => isBelowOrSame(directory, root));
  }

  private async resolve(root: string): Promise<Buffer | undefined> {
    const asked = this.asked.get(root) ?? this.ask(root);
    const limit = new Promise<void>((resolve) => setTimeout(resolve, ANSWER_MS).unref());
    await Promise.race([asked, limit]);
    return this.known.get(root);
  }

  private ask(root: string): Promise<void> {
    const asked = resolveIfThere(root).then((resolved) => {
      this.known.set(root, resolved);
      this.asked.delete(root);
    });
    this.asked.set(root, asked);
    return asked;
  }
}

async function resolveIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await realpath(path, 'buffer');
  } catch {
    return undefined;
  }
}
