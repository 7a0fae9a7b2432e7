import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, type Group, ready } from 'h5wasm/node';
import { SeededRandom } from './random.js';
import { type FrameSize, scatteringFrame } from './scattering-frame.js';

export interface NexusFileOptions {
  seed: number;
  title: string;
  sampleName: string;
  /** Kelvin. */
  temperatureK: number;
  /** Kiloelectronvolt. */
  energyKeV: number;
  /** Seconds per frame. */
  exposureSeconds: number;
  startTime: Date;
  /** Frames in the stack; 1 makes a single image, which is written as a two-dimensional dataset. Default 4. */
  frames?: number;
  /** Pixels. Default 96 × 64. */
  size?: FrameSize;
}

/**
 * A true NeXus file (HDF5): one NXentry with sample, monochromator and an area detector, whose frames are compressed
 * one chunk per frame as the EPICS HDF5 plug-in does it, and an NXdata group that plots without being told what to plot.
 * The same options give the same bytes.
 */
export async function nexusFile(options: NexusFileOptions): Promise<Buffer> {
  await ready;
  // h5wasm writes through a real file system; a name of our own in a fresh directory cannot meet anybody else's file.
  const directory = await mkdtemp(join(tmpdir(), 'dm-detector-'));
  try {
    const path = join(directory, 'frame-stack.h5');
    withClockAt(options.startTime, () => writeNexus(path, options));
    return await readFile(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function writeNexus(path: string, options: NexusFileOptions): void {
  const file = new File(path, 'w');
  try {
    file.create_attribute('default', 'entry');
    file.create_attribute('creator', 'DM Station detector player');
    const entry = nexusGroup(file, 'entry', 'NXentry');
    entry.create_attribute('default', 'data');
    const frames = options.frames ?? 4;
    const endTime = new Date(options.startTime.getTime() + frames * options.exposureSeconds * 1000);
    entry.create_dataset({ name: 'title', data: options.title });
    entry.create_dataset({ name: 'start_time', data: options.startTime.toISOString() });
    entry.create_dataset({ name: 'end_time', data: endTime.toISOString() });

    const sample = nexusGroup(entry, 'sample', 'NXsample');
    sample.create_dataset({ name: 'name', data: options.sampleName });
    quantity(sample, 'temperature', options.temperatureK, 'K');

    const instrument = nexusGroup(entry, 'instrument', 'NXinstrument');
    quantity(nexusGroup(instrument, 'monochromator', 'NXmonochromator'), 'energy', options.energyKeV, 'keV');
    writeDetector(nexusGroup(instrument, 'detector', 'NXdetector'), frames, options);

    const data = nexusGroup(entry, 'data', 'NXdata');
    data.create_attribute('signal', 'data');
    data.create_hard_link('/entry/instrument/detector/data', 'data');
  } finally {
    file.close();
  }
}

function writeDetector(detector: Group, frames: number, options: NexusFileOptions): void {
  const size = options.size ?? { width: 96, height: 64 };
  const pixels = size.width * size.height;
  const random = new SeededRandom(options.seed);
  const stack = new Uint16Array(frames * pixels);
  for (let frame = 0; frame < frames; frame++) {
    stack.set(scatteringFrame(random, size, 400 * options.exposureSeconds + 200), frame * pixels);
  }
  const plane = [size.height, size.width];
  const data = detector.create_dataset({
    name: 'data',
    data: stack,
    shape: frames === 1 ? plane : [frames, ...plane],
    chunks: frames === 1 ? plane : [1, ...plane],
    compression: 4,
  });
  data.create_attribute('units', 'counts');
  quantity(detector, 'count_time', options.exposureSeconds, 's');
  quantity(detector, 'x_pixel_size', 0.172, 'mm');
  quantity(detector, 'y_pixel_size', 0.172, 'mm');
}

function nexusGroup(parent: Group, name: string, nexusClass: string): Group {
  const group = parent.create_group(name);
  group.create_attribute('NX_class', nexusClass);
  return group;
}

function quantity(group: Group, name: string, value: number, units: string): void {
  group.create_dataset({ name, data: value, dtype: '<d' }).create_attribute('units', units);
}

/**
 * HDF5 stamps each object with the time of its making, which it gets from `Date.now()`. With the clock held at the
 * measurement's start those stamps are right for the story, and the same options give the same bytes. The library is
 * synchronous, so nobody else sees the held clock.
 */
function withClockAt(time: Date, write: () => void): void {
  const realNow = Date.now;
  Date.now = () => time.getTime();
  try {
    write();
  } finally {
    Date.now = realNow;
  }
}
