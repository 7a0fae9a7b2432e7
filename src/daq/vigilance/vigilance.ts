import { hostname } from 'node:os';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import { Alarms } from '../../platform/alarms/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { StorageArea } from '../../storage/index.js';
import { PluginSet } from '../plugins/plugin-set.js';
import { BacklogWatch } from './backlog-watch.js';
import { DiskSpaceProbe } from './disk-space.js';
import { DiskWatch, type WatchedDirectory } from './disk-watch.js';
import { OpenWork } from './open-work.js';
import { FULL, PlaceWatch, READ_ONLY } from './place-watch.js';
import { PluginWatch } from './plugin-watch.js';
import { SilenceWatch } from './silence-watch.js';
import { StuckWatch } from './stuck-watch.js';
import type { Watch } from './watch.js';

/** Keeps the station from being silently idle: looks for trouble that no single file would tell of. */
@Injectable()
export class Vigilance implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Vigilance.name);
  private readonly loop: WakeableLoop;
  private readonly watches: readonly Watch[];

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly alarms: Alarms,
    private readonly work: OpenWork,
    area: StorageArea,
    plugins: PluginSet,
  ) {
    const settings = config.daq.vigilance;
    const probe = new DiskSpaceProbe();
    this.loop = new WakeableLoop('vigilance', settings.lookSeconds * 1000, () => this.look(Date.now()));
    this.watches = [
      new SilenceWatch(work, settings.silenceSeconds),
      new StuckWatch(work, plugins, settings.stuckSeconds),
      new BacklogWatch(work, probe, settings.backlogSeconds),
      new DiskWatch(probe, () => this.directories(), {
        fullWithinSeconds: settings.diskFullSeconds,
        paceSeconds: settings.diskPaceSeconds,
      }),
      ...[FULL, READ_ONLY].map((trouble) => new PlaceWatch(trouble, work, area, config.storage.reserveBytes)),
      new PluginWatch(plugins),
    ];
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(nowMs: number): Promise<boolean> {
    for (const watch of this.watches) {
      try {
        await this.settle(watch, nowMs);
      } catch (error) {
        this.logger.debug(`could not look for ${watch.prefix}: ${messageOf(error)}`);
      }
    }
    return false;
  }

  /** Makes the alarms of a watch those that it sees now; also those that an earlier run of the station has raised. */
  private async settle(watch: Watch, nowMs: number): Promise<void> {
    const wanted = new Map((await watch.look(nowMs)).map((alarm) => [alarm.key, alarm]));
    const active = await this.database.query<{ key: string; message: string }>(
      `SELECT key, message FROM alarm WHERE cleared_at IS NULL AND starts_with(key, $1)`,
      [watch.prefix],
    );
    for (const { key, message } of active) {
      const alarm = wanted.get(key);
      if (alarm === undefined) {
        await this.alarms.clear(key);
      } else if (alarm.message === message) {
        wanted.delete(key); // said already
      }
    }
    for (const alarm of wanted.values()) {
      await this.alarms.raise(alarm);
    }
  }

  private async directories(): Promise<WatchedDirectory[]> {
    const { root, reserveBytes, destinations } = this.config.storage;
    const running = await this.work.running();
    const sources = running.filter(({ sourceHost }) => sourceHost === hostname());
    return [
      {
        path: Buffer.from(root),
        what: 'the storage area',
        reserveBytes,
        action: 'Free or add space for the storage area; files wait where they are when it is full.',
      },
      ...destinations
        .filter((destination) => destination.engine === 'local')
        .map((destination) => ({
          path: Buffer.from(destination.root),
          what: `the destination ${destination.name}`,
          reserveBytes: destination.reserveBytes,
          action: `Free or add space for the destination ${destination.name}; its copies wait when it is full.`,
        })),
      ...sources.map(({ sourceDirectory }) => ({
        path: sourceDirectory,
        what: `the source ${pathToText(sourceDirectory)}`,
        reserveBytes: 0,
        action:
          'Remove from the source what the station shows as done (dm file why), or the detector can write no more.',
      })),
    ];
  }
}
