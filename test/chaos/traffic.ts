import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isFar } from './detector.ts';
import { FAR_HOST } from './far-host.ts';
import type { World } from './world.ts';

export const MONITORED = 'chaos-monitored';
export const UPLOADED = 'chaos-uploaded';

const RETRY_MS = 500;

/** Asks the station to bring what the detectors write: one monitor, and an upload for each directory that is full. */
export class Traffic {
  private readonly world: World;
  private storageOf: Record<string, string> = {};
  private monitor = '';
  private readonly asked = new Set<string>();
  private isOn = true;
  private running: Promise<unknown> = Promise.resolve();

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
    // Whatever keeps the other machine from answering holds up what comes from there alone.
    this.running = Promise.all([this.run(isFar), this.run((name) => !isFar(name))]);
  }

  storageDirectory(experiment: string): string {
    return this.storageOf[experiment] ?? '';
  }

  /** Everything that is full has been asked for. */
  get isAllAsked(): boolean {
    return this.asked.size === this.world.detector.fullUploads.length;
  }

  async stop(): Promise<void> {
    this.isOn = false;
    await this.running;
    await this.world.station.ask('POST', `/acquisitions/${this.monitor}/stop`);
  }

  /** Faults make requests fail; whoever asks, asks again. */
  private async run(isMine: (name: string) => boolean): Promise<void> {
    while (this.isOn || !this.isAllAsked) {
      const name = this.world.detector.fullUploads.find((one) => isMine(one) && !this.asked.has(one));
      if (name !== undefined && (await this.upload(name).catch(() => false))) {
        this.asked.add(name);
      } else {
        await pause(RETRY_MS);
      }
    }
  }

  private async upload(name: string): Promise<boolean> {
    const { station, places } = this.world;
    const directory = join(isFar(name) ? places.detector : places.source, 'uploads', name);
    // An answer that was lost on its way does not mean that the request was.
    const asked = await station.sql(`SELECT id FROM acquisition WHERE source_directory = $1`, [Buffer.from(directory)]);
    if (asked.length === 0) {
      await station.ask('POST', '/acquisitions', {
        kind: 'upload',
        experiment: UPLOADED,
        dataDirectory: isFar(name) ? `@${FAR_HOST}:${directory}` : directory,
        destDirectory: name,
        quietSeconds: 0,
      });
    }
    return true;
  }
}
