import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BenchProblem } from '../pieces/bench-problem.ts';
import type { Dataset } from '../pieces/dataset.ts';
import type { DoneFeed } from '../pieces/done-feed.ts';
import { md5sumOf } from '../pieces/md5sum.ts';
import { type ProcessUsage, processUsage } from '../pieces/process-usage.ts';
import { type Responsiveness, ResponsivenessWatch } from '../pieces/responsiveness.ts';
import type { BenchStation } from '../pieces/station.ts';

export interface Upload {
  seconds: number;
  responsiveness: Responsiveness;
  /** CPU seconds of the station and of its database meanwhile; the peak is since the station's start. */
  usage: ProcessUsage;
  /** For whoever checks it afterwards. */
  acquisition: string;
  experiment: Experiment;
}

interface Experiment {
  name: string;
  storageDirectory: string;
  dataDirectory: string;
}

/** Digests are compared for at most this many files of an upload: md5sum costs more than the upload did. */
const SAMPLE = 100;

/** Uploads of whole trees, each into an experiment of its own. */
export class StationUploads {
  private readonly station: BenchStation;
  private readonly feed: DoneFeed;
  private nextExperiment = 1;

  constructor(station: BenchStation, feed: DoneFeed) {
    this.station = station;
    this.feed = feed;
  }

  async warmUp(sets: readonly Dataset[]): Promise<void> {
    for (const data of sets) {
      const upload = await this.run(data);
      await this.check(upload, data);
      rmSync(data.directory, { recursive: true });
    }
  }

  /** The clock runs from the request to the event that tells of the last file. */
  async run(data: Dataset): Promise<Upload> {
    const name = `bench-${this.nextExperiment++}`;
    const experiment = await this.station.post<Experiment>('/api/v1/experiments', { name });
    const watch = await ResponsivenessWatch.start(this.station, `/api/v1/experiments/${name}`);
    const before = processUsage(this.station.pid);
    const startedAt = performance.now();
    const { id } = await this.station.post<{ id: string }>('/api/v1/acquisitions', {
      kind: 'upload',
      experiment: name,
      dataDirectory: data.directory,
      quietSeconds: 0,
    });
    const seconds = ((await this.feed.lastDone(id, data.files)) - startedAt) / 1000;
    const after = processUsage(this.station.pid);
    const responsiveness = await watch.end();
    const usage = {
      station: after.station - before.station,
      children: after.children - before.children,
      peakResidentBytes: after.peakResidentBytes,
    };
    return { seconds, responsiveness, usage, acquisition: id, experiment };
  }

  /** Whether it did what it says; afterwards its files make room. @throws BenchProblem: a figure of it would be worthless. */
  async check(upload: Upload, data: Dataset): Promise<void> {
    const { experiment, acquisition } = upload;
    const status = await this.feed.ended(acquisition);
    const { counts } = await this.station.get<{ counts: { done: number; found: number } }>(
      `/api/v1/acquisitions/${acquisition}`,
    );
    const stats = await this.station.get<{ countFiles: number; totalBytes: number }>(
      `/api/v1/experiments/${experiment.name}/stats`,
    );
    expectEqual('status of the acquisition', status, 'done');
    expectEqual('files found', counts.found, data.files);
    expectEqual('files done', counts.done, data.files);
    expectEqual('files in the catalog', stats.countFiles, data.files);
    expectEqual('bytes in the catalog', stats.totalBytes, data.bytes);
    await this.checkDigests(experiment, data, sampleOf(data.paths));
    rmSync(experiment.storageDirectory, { recursive: true });
  }

  /** md5sum of the source, md5sum of the copy, and what the catalog says. */
  private async checkDigests(experiment: Experiment, data: Dataset, paths: readonly string[]): Promise<void> {
    const sources = md5sumOf(data.directory, paths);
    const copies = md5sumOf(experiment.dataDirectory, paths);
    for (const path of paths) {
      const wanted = new URLSearchParams({ path: join('data', path) });
      const { md5Sum } = await this.station.get<{ md5Sum: string }>(
        `/api/v1/experiments/${experiment.name}/files/by-path?${wanted.toString()}`,
      );
      expectEqual(`md5sum of the copy of ${path}`, copies.get(path), sources.get(path));
      expectEqual(`digest of ${path} in the catalog`, md5Sum, sources.get(path));
    }
  }
}

/** Evenly spread; of few files, which are large then, one. */
function sampleOf(paths: readonly string[]): string[] {
  const step = paths.length < SAMPLE ? paths.length : Math.floor(paths.length / SAMPLE);
  return paths.filter((_, index) => index % step === 0);
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) {
    throw new BenchProblem(`The upload is wrong: ${what} is ${String(found)} and should be ${String(expected)}.`);
  }
}
