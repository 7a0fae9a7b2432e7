import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, makeLargeFiles, makeSmallFiles } from '../pieces/dataset.ts';
import { cpMd5sum, type Peer, rclone, rsyncMd5sum } from '../pieces/peers.ts';

export type SetChoice = 'small' | 'large' | 'all';
export type SetName = 'smallFiles' | 'largeFiles' | 'singleFile';

/** One kind of data, and who else copies it. */
export interface SetPlan {
  name: SetName;
  files: number;
  /** Largest that one file can be, in bytes. */
  fileBytes: number;
  peers: readonly Peer[];
}

export interface IngestSet extends SetPlan {
  data: Dataset;
}

const LARGE_FILES = 4;

export function plansOf(choice: SetChoice, files: number, largeBytes: number): SetPlan[] {
  const small: SetPlan = { name: 'smallFiles', files, fileBytes: 58_000, peers: [rsyncMd5sum, rclone] };
  const large: SetPlan = { name: 'largeFiles', files: LARGE_FILES, fileBytes: largeBytes, peers: [rclone, cpMd5sum] };
  const single: SetPlan = { name: 'singleFile', files: 1, fileBytes: largeBytes, peers: [cpMd5sum] };
  return [...(choice === 'large' ? [] : [small]), ...(choice === 'small' ? [] : [large, single])];
}

/** Room for all sources and the largest copy, with some to spare for directories and partly filled pages. */
export function bytesNeeded(plans: readonly SetPlan[]): number {
  const sizes = plans.filter((plan) => plan.name !== 'singleFile').map((plan) => plan.files * plan.fileBytes);
  return 1.1 * (sizes.reduce((sum, size) => sum + size, 0) + Math.max(...sizes)) + 2 ** 28;
}

export function makeSets(plans: readonly SetPlan[], directory: string): IngestSet[] {
  return plans.map((plan) => ({ ...plan, data: makeData(plan, directory) }));
}

function makeData(plan: SetPlan, directory: string): Dataset {
  const place = join(directory, plan.name);
  switch (plan.name) {
    case 'smallFiles':
      return makeSmallFiles(place, plan.files);
    case 'largeFiles':
      return makeLargeFiles(place, plan.files, plan.fileBytes);
    case 'singleFile': {
      // The first of the large files under a name of its own: a second gigabyte of the same would prove nothing more.
      mkdirSync(place);
      linkSync(join(directory, 'largeFiles', 'stack-0.h5'), join(place, 'stack-0.h5'));
      return { directory: place, files: 1, bytes: plan.fileBytes, paths: ['stack-0.h5'] };
    }
  }
}

/** Enough of both kinds for the code to be compiled, connections to be open, and directories of the database to be warm. */
export function makeWarmUp(directory: string): Dataset[] {
  return [
    makeSmallFiles(join(directory, 'warm-up-small'), 4000),
    makeLargeFiles(join(directory, 'warm-up-large'), 2, 32 * 2 ** 20),
  ];
}
