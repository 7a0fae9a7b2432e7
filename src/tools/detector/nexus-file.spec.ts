import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dataset, File, Group, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nexusFile, type NexusFileOptions } from './nexus-file.js';

const options: NexusFileOptions = {
  seed: 7,
  title: 'Silver behenate',
  sampleName: 'AgBeh 1',
  temperatureK: 293.5,
  energyKeV: 12.4,
  exposureSeconds: 0.5,
  startTime: new Date('2026-11-21T08:15:00Z'),
  frames: 3,
  size: { width: 20, height: 10 },
};

describe(nexusFile, () => {
  let directory: string;
  let file: File;

  beforeAll(async () => {
    await ready;
    directory = await mkdtemp(join(tmpdir(), 'dm-nexus-'));
    await writeFile(join(directory, 'a.h5'), await nexusFile(options));
    file = new File(join(directory, 'a.h5'), 'r');
  });
  afterAll(async () => {
    file.close();
    await rm(directory, { recursive: true });
  });

  const dataset = (path: string): Dataset => {
    const found = file.get(path);
    if (!(found instanceof Dataset)) {
      throw new Error(`no dataset at ${path}`);
    }
    return found;
  };

  it('begins with the signature of HDF5', async () => {
    expect((await nexusFile(options)).subarray(0, 8)).toEqual(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'));
  });

  it('leads from the root to the signal as NeXus prescribes', () => {
    expect(file.attrs['default']?.value).toBe('entry');
    const data = file.get('entry/data');
    expect(data).toBeInstanceOf(Group);
    expect((data as Group).attrs['NX_class']?.value).toBe('NXdata');
    expect((data as Group).attrs['signal']?.value).toBe('data');
  });

  it('holds one compressed chunk per frame', () => {
    const data = dataset('entry/data/data');
    expect(data.shape).toEqual([3, 10, 20]);
    expect(data.metadata.chunks).toEqual([1, 10, 20]);
    expect(data.filters.map((filter) => filter.name)).toEqual(['deflate']);
    expect(data.attrs['units']?.value).toBe('counts');
  });

  it('tells sample, temperature, energy and times with their units', () => {
    expect(dataset('entry/sample/name').value).toBe('AgBeh 1');
    expect(dataset('entry/sample/temperature').value).toBe(293.5);
    expect(dataset('entry/sample/temperature').attrs['units']?.value).toBe('K');
    expect(dataset('entry/instrument/monochromator/energy').value).toBe(12.4);
    expect(dataset('entry/instrument/detector/count_time').value).toBe(0.5);
    expect(dataset('entry/start_time').value).toBe('2026-11-21T08:15:00.000Z');
    expect(dataset('entry/end_time').value).toBe('2026-11-21T08:15:01.500Z');
  });

  it('gives the same bytes for the same options, and others for another seed', async () => {
    const [first, second, other] = [
      await nexusFile(options),
      await nexusFile(options),
      await nexusFile({ ...options, seed: 8 }),
    ];
    expect(first.equals(second)).toBe(true);
    expect(first.equals(other)).toBe(false);
  });

  it('writes a single frame as a plane', async () => {
    await writeFile(join(directory, 'one.h5'), await nexusFile({ ...options, frames: 1 }));
    const one = new File(join(directory, 'one.h5'), 'r');
    expect((one.get('entry/data/data') as Dataset).shape).toEqual([10, 20]);
    one.close();
  });
});
