import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytesOf, randomNumbers } from './random.ts';

/** A tree of files to be brought somewhere. */
export interface Dataset {
  directory: string;
  files: number;
  bytes: number;
  /** Paths below the directory, in the order in which they were made. */
  paths: string[];
}

const FILES_IN_A_DIRECTORY = 200;
const MIB = 1024 * 1024;

/** Files of 8-58 KB, as a fast area detector or a logger of spectra leaves them: 200 to a directory, ten directories to a sample. */
export function makeSmallFiles(directory: string, files: number): Dataset {
  const sizes = randomNumbers(files);
  const content = randomBytesOf('small files');
  const paths: string[] = [];
  let bytes = 0;
  for (let index = 0; index < files; index += 1) {
    const scan = Math.floor(index / FILES_IN_A_DIRECTORY);
    const folder = `sample-${String(Math.floor(scan / 10)).padStart(2, '0')}/scan-${String(scan).padStart(4, '0')}`;
    if (index % FILES_IN_A_DIRECTORY === 0) {
      mkdirSync(join(directory, folder), { recursive: true });
    }
    const path = `${folder}/frame-${String(index).padStart(6, '0')}.tif`;
    const size = 8000 + Math.floor(sizes() * 50_001);
    writeFileSync(join(directory, path), content(size));
    paths.push(path);
    bytes += size;
  }
  return { directory, files, bytes, paths };
}

/** Few files of a size that is a multiple of 1 MiB, as stacks of images come. */
export function makeLargeFiles(directory: string, files: number, bytesEach: number): Dataset {
  mkdirSync(directory, { recursive: true });
  const paths = Array.from({ length: files }, (_, index) => `stack-${index}.h5`);
  for (const path of paths) {
    const content = randomBytesOf(path);
    const fd = openSync(join(directory, path), 'wx');
    for (let written = 0; written < bytesEach; written += MIB) {
      writeSync(fd, content(MIB));
    }
    closeSync(fd);
  }
  return { directory, files, bytes: files * bytesEach, paths };
}
