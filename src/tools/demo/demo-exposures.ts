import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { AWKWARD_NAMES, type Exposure, nexusFile, specFile, tiffFile, withExtension } from '../detector/index.js';

/** What each of the two detectors of the demo will write. */
export interface DemoExposures {
  /** HDF5 only: each of these files starts the workflow. */
  area: Exposure[];
  /** Camera frames, SPEC scans and whatever else a hutch produces. */
  hutch: Exposure[];
  /** Where the real files came from, if there were any. */
  realFiles: string | undefined;
}

const START_TIME = new Date('2026-11-21T08:00:00Z');
const HDF5 = new Set(['.h5', '.hdf5', '.nxs']);
/** In pieces of a quarter second each, this one takes longer than the quiet time: a hasty station would take half of it. */
const PIECES_OF_THE_SLOW_ONE = 10;

export async function demoExposures(packageRoot: string): Promise<DemoExposures> {
  const realFiles = join(packageRoot, '..', 'shared', 'data');
  const real = existsSync(realFiles) ? await realExposures(realFiles) : { area: [], hutch: [] };
  return {
    area: [...(await nexusExposures()), ...real.area],
    hutch: [...tiffExposures(), ...specExposures(), ...real.hutch],
    realFiles: existsSync(realFiles) ? realFiles : undefined,
  };
}

export function isHdf5(name: string): boolean {
  return HDF5.has(extname(name).toLowerCase());
}

async function nexusExposures(): Promise<Exposure[]> {
  const names = [
    { name: Buffer.from('AgBeh_0001.h5'), pieces: 3 },
    { name: Buffer.from('AgBeh_slow.nxs'), pieces: PIECES_OF_THE_SLOW_ONE },
    ...AWKWARD_NAMES.map((name) => ({ name: withExtension(name, '.h5'), pieces: 2 })),
  ];
  return Promise.all(
    names.map(async ({ name, pieces }, index) => ({
      name,
      pieces,
      content: await nexusFile({
        seed: 100 + index,
        title: `Silver behenate, exposure ${index + 1}`,
        sampleName: 'AgBeh',
        temperatureK: 293 + index / 10,
        energyKeV: 12.4,
        exposureSeconds: 0.5,
        startTime: new Date(START_TIME.getTime() + index * 60_000),
      }),
    })),
  );
}

function tiffExposures(): Exposure[] {
  const names = [
    ...[1, 2].map((index) => Buffer.from(`camera_${index}.tif`)),
    ...AWKWARD_NAMES.slice(0, 3).map((name) => withExtension(name, '.tif')),
  ];
  return names.map((name, index) => ({
    name,
    content: tiffFile({ seed: 200 + index, description: `sample camera, frame ${index + 1}`, takenAt: START_TIME }),
  }));
}

function specExposures(): Exposure[] {
  const names = [Buffer.from('align.spec'), ...AWKWARD_NAMES.slice(-2).map((name) => withExtension(name, '.spec'))];
  return names.map((name, index) => ({
    name,
    pieces: 4,
    content: specFile({
      seed: 300 + index,
      name: 'align.spec',
      user: 'ruth',
      startTime: START_TIME,
      sampleName: 'AgBeh',
      temperatureK: 293,
    }),
  }));
}

async function realExposures(directory: string): Promise<{ area: Exposure[]; hutch: Exposure[] }> {
  const names = (await readdir(directory)).filter((name) => !name.endsWith('.md')).sort();
  const exposures = await Promise.all(
    names.map(async (name) => ({ name: Buffer.from(name), content: await readFile(join(directory, name)) })),
  );
  return {
    area: exposures.filter(({ name }) => isHdf5(name.toString())),
    hutch: exposures.filter(({ name }) => !isHdf5(name.toString())),
  };
}

/** The folder with this package's package.json, from the source tree as from the built one. */
export function findPackageRoot(from: string = import.meta.dirname): string {
  return existsSync(join(from, 'package.json')) ? from : findPackageRoot(dirname(from));
}
