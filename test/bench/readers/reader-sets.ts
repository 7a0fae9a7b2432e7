import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { realFiles } from '../../support/real-files.ts';
import { cbfFile, edfFile, imageTags, tiffFile } from '../../support/sample-images.ts';

/** Files of one format, each different one many times. */
export interface FormatSet {
  /** In the figures: `hdf5FilesPerSecond`. */
  name: string;
  format: string;
  paths: string[];
  bytes: number;
  distinct: number;
}

const REAL: Readonly<Record<string, RegExp>> = {
  hdf5: /\.(?:h5|hdf5|nxs)$/,
  mda: /\.mda$/,
  spec: /\.(?:dat|spec)$/,
};

/** Real files where there are some, the smallest of their kind where not, and one with as large a tree as is kept. */
export function readerSets(folder: string, filesPerFormat: number): FormatSet[] {
  const real = Object.entries(REAL).map(([format, pattern]) => {
    const files = [...realFiles().values()].filter((path) => pattern.test(path));
    return replicated(folder, format, format, files, filesPerFormat);
  });
  const made = madeFiles(folder).map(([name, format, path]) =>
    replicated(folder, name, format, [path], filesPerFormat),
  );
  return [...real, ...made];
}

function madeFiles(folder: string): [name: string, format: string, path: string][] {
  const tags = imageTags(8, 16);
  const largeTree = Object.fromEntries(
    Array.from({ length: 900 }, (_, scan) => [
      `scan${scan}`,
      { values: Array.from({ length: 45 }, () => 12.345678), text: 'x'.repeat(500) },
    ]),
  );
  const files: [string, string, string, Buffer | string][] = [
    ['tiff', 'tiff', 'made.tif', Buffer.concat([tiffFile({ images: [tags] }), Buffer.alloc(379_860)])],
    ['cbf', 'cbf', 'made.cbf', cbfFile(100_000)],
    ['edf', 'edf', 'made.edf', edfFile(4)],
    ['json', 'json', 'made.json', JSON.stringify({ energy: 12.4, sample: 'Si', motors: { x: 1, y: 2 } })],
    ['yaml', 'yaml', 'made.yaml', 'energy: 12.4\nsample: Si\nmotors:\n  x: 1\n  y: 2\n'],
    ['largeTree', 'json', 'large.json', JSON.stringify(largeTree)],
  ];
  return files.map(([name, format, file, content]) => {
    const path = join(folder, file);
    writeFileSync(path, content);
    return [name, format, path];
  });
}

/** At most so many copies of a file; beyond them the same copies are read again, so that large ones fit into memory. */
const MOST_COPIES = 20;

function replicated(folder: string, name: string, format: string, files: string[], count: number): FormatSet {
  const directory = join(folder, name);
  mkdirSync(directory);
  const paths = Array.from({ length: count }, (_, index) => {
    const source = files[index % files.length] ?? '';
    if (index >= files.length * MOST_COPIES) {
      return join(directory, `${index % (files.length * MOST_COPIES)}-${basename(source)}`);
    }
    const path = join(directory, `${index}-${basename(source)}`);
    copyFileSync(source, path);
    return path;
  });
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  return { name, format, paths, bytes, distinct: files.length };
}
