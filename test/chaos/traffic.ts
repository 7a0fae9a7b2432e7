import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { World } from './world.ts';

export const MONITORED = 'chaos-monitored';
export const UPLOADED = 'chaos-uploaded';

const RETRY_MS = 500;

/** Asks the station to bring what the detectors write: one monitor, and an upload for each directory that is full. */
export class Traffic {
  private readonly world: World;
  private storageOf: Record<string, string> = {};
  private monitor = '';
  private asked = 0;
  private isOn = true;
  private running: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.world = world;
  }

  async start(): Promise<void> {
    const { station, places } = this.world;
    for (const name of [MONITORED, UPLOADED]) {
      const { storageDirectory } = await station.ask<{ storageDirectory: string }>('POST', '/experiments', { name });
      this.storageOf[name] = storageDirectory;
    }
    const { id } = await station.ask<{ id: string }>('POST', '/acquisitions', {
      kind: 'monitor',
      experiment: MONITORED,
      dataDirectory: join(places.source, 'monitored'),
      processExisting: true,
    });
    this.monitor = id;
    this.running = this.run();
  }

  storageDirectory(experiment: string): string {
    return this.storageOf[experiment] ?? '';
  }

  /** Everything that is full has been asked for. */
  get isAllAsked(): boolean {
    return this.asked === this.world.detector.fullUploads.length;
  }

  async stop(): Promise<void> {
    this.isOn = false;
    await this.running;
    await this.world.station.ask('POST', `/acquisitions/${this.monitor}/stop`);
  }

  /** Faults make requests fail; whoever asks, asks again. */
  private async run(): Promise<void> {
    while (this.isOn || !this.isAllAsked) {
      const name = this.world.detector.fullUploads[this.asked];
      if (name !== undefined && (await this.upload(name).catch(() => false))) {
        this.asked += 1;
      } else {
        await pause(RETRY_MS);
      }
    }
  }

  private async upload(name: string): Promise<boolean> {
    const { station, places } = this.world;
    const dataDirectory = join(places.source, 'uploads', name);
    // An answer that was lost on its way does not mean that the request was.
    const asked = await station.sql(`SELECT id FROM acquisition WHERE source_directory = $1`, [
      Buffer.from(dataDirectory),
    ]);
    if (asked.length === 0) {
      await station.ask('POST', '/acquisitions', {
        kind: 'upload',
        experiment: UPLOADED,
        dataDirectory,
        destDirectory: name,
        quietSeconds: 0,
      });
    }
    return true;
  }
}
