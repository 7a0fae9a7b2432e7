import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutate } from '../../../test/support/mutate.js';
import { realFiles } from '../../../test/support/real-files.js';
import { cbfFile, edfFile, imageTags, tiffFile } from '../../../test/support/sample-images.js';
import { nexusFile } from '../../tools/detector/nexus-file.js';
import { SeededRandom } from '../../tools/detector/random.js';
import { type ReaderDefinition, withBuiltIns } from './definitions/reader-definition.js';
import { RAW_LIMITS } from './formats/bounded-tree.js';
import { IsolatedMetadataReaders } from './isolated-metadata-readers.js';
import { FILE_FORMATS } from './metadata-readers.port.js';
import { ReaderProcess } from './process/reader-process.js';

/** 1,000 with each run of the suite; `DM_FUZZ_CASES=10000` for the long form, `DM_FUZZ_SEED` for other damage. */
const CASES = Number(process.env['DM_FUZZ_CASES'] || 1000);
const SEED = Number(process.env['DM_FUZZ_SEED'] || 20_261_126);
/** Larger files make the same steps more often: damage finds its place sooner in a small one. */
const MOST_BYTES = 170_000;
/** What a reader that was not prepared for a file would say. */
const UNPREPARED = /took longer|took more memory|ended unexpectedly|from outside|reader failed|Reading it failed/;

describe('damaged files', () => {
  let directory: string;
  const child = new ReaderProcess({ idleMs: 60_000, heapMegabytes: 256 });
  const definitions: ReaderDefinition[] = withBuiltIns([]).map((each) => ({ ...each, timeoutSeconds: 10 }));
  const readers = new IsolatedMetadataReaders(() => Promise.resolve(definitions), child);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'dm-fuzz-'));
  });
  afterAll(() => {
    readers.close();
    rmSync(directory, { recursive: true });
  });

  /** Whole files, by name: real ones and some of the formats that there are no real ones of. */
  async function originals(): Promise<[string, Buffer][]> {
    const real = [...realFiles()].map(([name, path]): [string, Buffer] => [name, readFileSync(path)]);
    const tags = imageTags(8, 16);
    const exposure = { title: 't', sampleName: 's', temperatureK: 80, energyKeV: 12, exposureSeconds: 1, seed: 1 };
    return [
      ...real.filter(([, bytes]) => bytes.length <= MOST_BYTES),
      ['made.h5', await nexusFile({ ...exposure, startTime: new Date(0), frames: 2, size: { width: 8, height: 8 } })],
      ['made.tif', tiffFile({ images: [tags, tags, tags] })],
      ['big.tif', tiffFile({ images: [tags, tags], isBig: true, order: 'big' })],
      ['made.cbf', cbfFile()],
      ['made.edf', edfFile(3)],
      ['made.json', Buffer.from(JSON.stringify({ energy: 12.4, list: [1, { a: 'b' }], text: 'x'.repeat(200) }))],
      [
        'made.yaml',
        Buffer.from('a: &a {b: 1}\nc: *a\nlist:\n  - 1\n  - "two"\n  - {x: 2026-11-26}\ntext: |\n  long\n'),
      ],
    ];
  }

  it(
    `are read without harm: ${CASES} cases`,
    async () => {
      const random = new SeededRandom(SEED);
      const files = await originals();
      const bad: string[] = [];
      const seen = {
        formats: new Set<string>(),
        whole: new Set<string>(),
        complaints: 0,
        processes: new Set<number>(),
      };
      const path = join(directory, 'damaged');
      for (let index = 0; index < CASES; index += 1) {
        const [name, original] = files[index % files.length] ?? ['', Buffer.alloc(0)];
        const [, other] = files[random.integer(0, files.length - 1)] ?? ['', original];
        const bytes = mutate(original, other, random);
        writeFileSync(path, bytes);
        const { format, raw, complaint } = await readers.read(path, name);
        if (UNPREPARED.test(complaint ?? '')) {
          bad.push(`case ${index} (${name}): ${complaint}`);
          writeFileSync(join(tmpdir(), `dm-fuzz-${SEED}-${index}-${name}`), bytes);
        }
        seen.formats.add(format ?? 'none');
        if (complaint === null && raw !== null) {
          seen.whole.add(format ?? 'none');
        }
        seen.complaints += complaint === null ? 0 : 1;
        seen.processes.add(child.pid ?? 0);
        expect(Buffer.byteLength(JSON.stringify(raw))).toBeLessThanOrEqual(RAW_LIMITS.bytes);
      }
      expect(bad).toEqual([]);
      const formats = [...FILE_FORMATS].sort();
      expect([...seen.formats].sort()).toEqual([...formats, 'none'].sort());
      // Much damage changes nothing that a reader looks at: all of them do read.
      expect([...seen.whole].sort()).toEqual(formats);
      expect(seen.complaints).toBeGreaterThan(CASES / 10);
      // No leak: files are closed, and memory does not have to be given back by replacing the process all the time.
      expect(readdirSync(`/proc/${child.pid}/fd`).length).toBeLessThan(40);
      expect(seen.processes.size).toBeLessThanOrEqual(1 + CASES / 1000);
    },
    120_000 + CASES * 50,
  );
});
