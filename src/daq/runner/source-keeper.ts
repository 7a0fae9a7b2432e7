import type { Acquisition } from '../acquisitions/acquisition.js';
import { addressText, locationOf } from '../acquisitions/source-addresses.js';
import type { Presence, SourceTree } from '../source/source-tree.port.js';
import type { AcquisitionAlarms } from './acquisition-alarms.js';
import type { AcquisitionJournal } from './acquisition-journal.js';
import type { RunnerParts } from './runner-parts.js';

export type SourceNews =
  /** It is there; `isBack`: it was not, at the look before. */
  { isThere: true; isBack: boolean; hasEvents: boolean } | { isThere: false };

/** Looks whether the source is there, and keeps status, alarm and record true to it. */
export class SourceKeeper {
  private lastPresence: Extract<Presence, { isThere: true }> | undefined;

  constructor(
    private readonly parts: RunnerParts,
    private readonly acquisition: Acquisition,
    private readonly tree: SourceTree,
    private readonly journal: AcquisitionJournal,
    private readonly alarms: AcquisitionAlarms,
  ) {}

  async look(): Promise<SourceNews> {
    const { acquisition } = this;
    const { status } = acquisition;
    const presence = await this.tree.presence(acquisition.sourceDevice);
    if (!presence.isThere) {
      await this.note(presence.reason);
      return { isThere: false };
    }
    await this.record(presence);
    const isBack = status === 'waiting-for-source' || status === 'source-lost';
    if (isBack) {
      await this.alarms.sourceThere();
    }
    this.lastPresence = presence;
    return { isThere: true, isBack, hasEvents: !presence.fileSystem.isShared };
  }

  /** A plain look, of which nothing is written down. */
  async isThere(): Promise<boolean> {
    return (await this.tree.presence(this.acquisition.sourceDevice)).isThere;
  }

  get directory(): string {
    const location = locationOf(this.acquisition);
    return addressText({ ...location, directory: this.lastPresence?.directory ?? location.directory });
  }

  private async record({ device, fileSystem }: Extract<Presence, { isThere: true }>): Promise<void> {
    const { acquisition, parts } = this;
    if (device !== acquisition.sourceDevice || fileSystem.type !== acquisition.sourceFileSystem) {
      await parts.acquisitions.setSource(acquisition.id, device, fileSystem.type);
      acquisition.sourceDevice = device;
      acquisition.sourceFileSystem = fileSystem.type;
    }
  }

  private async note(reason: string): Promise<void> {
    const { acquisition } = this;
    const isLost = acquisition.startedAt !== null;
    if (acquisition.status === 'pending' || acquisition.status === 'running') {
      await this.journal.move(['pending', 'running'], isLost ? 'source-lost' : 'waiting-for-source');
    }
    await this.alarms.sourceMissing(reason, isLost);
  }
}
