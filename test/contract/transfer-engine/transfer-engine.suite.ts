import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EngineCapabilities, Proof, TransferEngine, TransferTask } from '../../../src/storage/index.js';
import { ALL_CAPABILITIES } from '../../../src/storage/transfer-engine.port.js';

const md5 = (content: Uint8Array) => createHash('md5').update(content).digest('hex');

/** How a channel may fall short; what it lacks it must declare, and refuse what it cannot carry. */
export interface Shortcomings {
  /** The best proof that it can give. */
  proof?: Proof;
  /** What its channel cannot do. */
  capabilities?: Partial<EngineCapabilities>;
  /** Holes of sparse files are filled on the way. */
  fillsHoles?: boolean;
  /** Names that it cannot carry. */
  refuses?: (name: Buffer) => boolean;
}

/** What every transfer engine must do; see the obligations in src/storage/transfer-engine.port.ts. */
export function transferEngineContract(
  name: string,
  open: () => TransferEngine | Promise<TransferEngine>,
  shortcomings: Shortcomings = {},
): void {
  const bestProof = shortcomings.proof ?? 'read-back';
  describe(`transfer engine ${name}`, () => {
    let engine: TransferEngine;
    let folder: string;
    let source: string;
    let experiment: string;

    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.close());
    beforeEach(() => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-transfer-')));
      source = join(folder, 'source');
      experiment = join(folder, 'experiment');
      mkdirSync(source);
      mkdirSync(join(experiment, 'data'), { recursive: true });
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    function aTask(path: string | Buffer, changes: Partial<TransferTask> = {}): TransferTask {
      const sourcePath = Buffer.concat([Buffer.from(`${source}/`), Buffer.from(path)]);
      const stats = lstatSync(sourcePath, { bigint: true });
      return {
        id: '42',
        sourcePath,
        sourceRoots: [Buffer.from(source)],
        expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
        experimentDirectory: Buffer.from(experiment),
        destinationPath: Buffer.concat([Buffer.from('data/'), Buffer.from(path)]),
        replaces: null,
        mode: 'copy',
        proof: 'read-back',
        fileMode: 0o640,
        directoryMode: 0o2770,
        ...changes,
      };
    }

    async function transferOne(task: TransferTask) {
      const [outcome, ...rest] = await engine.transfer([task]);
      expect(rest).toEqual([]);
      return outcome;
    }

    function filesBelow(directory: string): string[] {
      return readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
    }

    it.each([0, 1, 57_000, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1, 9_000_001])(
      'publishes a file of %i bytes with the digest of its content',
      async (size) => {
        const content = randomBytes(size);
        writeFileSync(join(source, 'a.h5'), content);
        expect(await transferOne(aTask('a.h5'))).toMatchObject({
          status: 'published',
          md5Sum: md5(content),
          sizeBytes: BigInt(size),
          proof: bestProof,
        });
        expect(readFileSync(join(experiment, 'data/a.h5')).equals(content)).toBe(true);
        expect(filesBelow(experiment)).toEqual(['data/a.h5']);
      },
    );

    it('publishes many files of many sizes in one batch, each with its own digest', async () => {
      // Around the blocks of the digest, the size that is held in memory whole, and what is read at a time.
      const edges = [0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 4095, 4096, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1];
      const large = [4_400_000, 5 * 1024 * 1024, 8 * 1024 * 1024, 8 * 1024 * 1024 - 4096, 9_000_001];
      const sizes = [...edges, ...Array.from({ length: 150 }, (_, index) => index * 331), ...large];
      const contents = sizes.map((size) => randomBytes(size));
      contents.forEach((content, index) => writeFileSync(join(source, `f${index}`), content));
      const outcomes = await engine.transfer(contents.map((_, index) => aTask(`f${index}`, { id: String(index) })));
      const found = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
      contents.forEach((content, index) => {
        expect(found.get(String(index))).toMatchObject({
          status: 'published',
          md5Sum: md5(content),
          sizeBytes: BigInt(content.length),
        });
        expect(readFileSync(join(experiment, `data/f${index}`)).equals(content)).toBe(true);
      });
      expect(filesBelow(experiment)).toHaveLength(sizes.length);
    });

    it('keeps the time of the source and sets the modes that it was given', async () => {
      mkdirSync(join(source, 'deep/er'), { recursive: true });
      writeFileSync(join(source, 'deep/er/a'), 'x');
      utimesSync(join(source, 'deep/er/a'), 1_500_000_000, 1_500_000_000);
      await transferOne(aTask('deep/er/a'));
      const stats = lstatSync(join(experiment, 'data/deep/er/a'));
      expect(stats.mtimeMs).toBe(1_500_000_000_000);
      expect(stats.mode & 0o7777).toBe(0o640);
      expect(lstatSync(join(experiment, 'data/deep')).mode & 0o7777).toBe(0o2770);
    });

    it.each([
      ['spaces and quotes', Buffer.from(`a "b" 'c'`)],
      ['a newline', Buffer.from('a\nb')],
      ['an emoji', Buffer.from('😀.h5')],
      ['shell text', Buffer.from('a; rm -rf ~ $(x) `y`.tif')],
      ['a leading dash', Buffer.from('-rf')],
      ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x80])],
      ['255 bytes', Buffer.alloc(255, 'n')],
    ])('brings a file and a folder with %s in the name over byte for byte', async (_what, name) => {
      const inFolder = Buffer.concat([name, Buffer.from('/inside')]);
      mkdirSync(Buffer.concat([Buffer.from(`${source}/`), name]));
      writeFileSync(Buffer.concat([Buffer.from(`${source}/`), inFolder]), 'content');
      if (shortcomings.refuses?.(name) === true) {
        expect(await transferOne(aTask(inFolder))).toMatchObject({
          status: 'failed',
          kind: 'permanent',
          code: 'NAME_NOT_SENDABLE',
        });
        expect(filesBelow(experiment)).toEqual([]);
        return;
      }
      expect(await transferOne(aTask(inFolder))).toMatchObject({ status: 'published' });
      expect(readdirSync(join(experiment, 'data'), { encoding: 'buffer' })).toEqual([name]);

      rmSync(Buffer.concat([Buffer.from(`${source}/`), name]), { recursive: true });
      writeFileSync(Buffer.concat([Buffer.from(`${source}/`), name]), 'content');
      const destinationPath = Buffer.concat([Buffer.from('data/flat/'), name]);
      expect(await transferOne(aTask(name, { destinationPath }))).toMatchObject({ status: 'published' });
      expect(readdirSync(join(experiment, 'data/flat'), { encoding: 'buffer' })).toEqual([name]);
    });

    it('leaves no remains of a cut-off attempt, whatever becomes of the next one', async () => {
      writeFileSync(join(source, 'a'), 'content');
      const task = aTask('a');
      writeFileSync(join(experiment, 'data/.dm-42.part'), 'remains');
      rmSync(join(source, 'a'));
      expect(await transferOne(task)).toMatchObject({ status: 'vanished' });
      expect(filesBelow(experiment)).toEqual([]);
    });

    it('discards the remains of cut-off attempts on request', async () => {
      writeFileSync(join(source, 'a'), 'content');
      writeFileSync(join(experiment, 'data/.dm-42.part'), 'remains');
      await engine.discard([aTask('a'), aTask('a', { id: '43' })]);
      expect(filesBelow(experiment)).toEqual([]);
    });

    it.skipIf(shortcomings.fillsHoles)('keeps the holes of a sparse file', async () => {
      writeFileSync(join(source, 'sparse'), 'begin');
      truncateSync(join(source, 'sparse'), 300 * 1024 * 1024);
      expect(await transferOne(aTask('sparse'))).toMatchObject({ status: 'published', sizeBytes: 314572800n });
      const stats = lstatSync(join(experiment, 'data/sparse'));
      expect(stats.size).toBe(300 * 1024 * 1024);
      expect(stats.blocks * 512).toBeLessThan(10 * 1024 * 1024);
      const listed = execFileSync('md5sum', [join(source, 'sparse'), join(experiment, 'data/sparse')]).toString();
      expect(new Set(listed.match(/^[0-9a-f]{32}/gm)).size).toBe(1);
    });

    it.skipIf(shortcomings.fillsHoles)('keeps holes between data, and zeros at the end', async () => {
      const MIB = 1024 * 1024;
      const fd = openSync(join(source, 'sparse'), 'w');
      writeSync(fd, randomBytes(100_000), 0, 100_000, 7 * MIB + 5);
      writeSync(fd, randomBytes(2 * MIB), 0, 2 * MIB, 20 * MIB);
      ftruncateSync(fd, 40 * MIB + 3);
      closeSync(fd);
      const outcome = await transferOne(aTask('sparse'));
      const content = readFileSync(join(source, 'sparse'));
      expect(outcome).toMatchObject({ status: 'published', md5Sum: md5(content), sizeBytes: BigInt(40 * MIB + 3) });
      expect(readFileSync(join(experiment, 'data/sparse')).equals(content)).toBe(true);
      expect(lstatSync(join(experiment, 'data/sparse')).blocks * 512).toBeLessThan(8 * MIB);
    });

    it('publishes nothing of a file that is no longer what was expected', async () => {
      writeFileSync(join(source, 'a'), 'first');
      const task = aTask('a');
      writeFileSync(join(source, 'a'), 'longer than before');
      expect(await transferOne(task)).toMatchObject({ status: 'changed' });
      expect(filesBelow(experiment)).toEqual([]);
    });

    it('notices that another file has taken the name', async () => {
      writeFileSync(join(source, 'a'), 'one');
      writeFileSync(join(source, 'b'), 'two');
      utimesSync(join(source, 'a'), 5, 5);
      utimesSync(join(source, 'b'), 5, 5);
      const task = aTask('a');
      renameSync(join(source, 'b'), join(source, 'a'));
      expect(await transferOne(task)).toMatchObject({ status: 'changed' });
    });

    it('declares what its channel can do', () => {
      expect(engine.capabilities).toEqual({ ...ALL_CAPABILITIES, ...shortcomings.capabilities });
      const { readBack, sync } = engine.capabilities;
      expect(readBack ? (sync ? 'read-back' : 'read-back-unsynced') : 'size').toBe(bestProof);
    });

    it('says when the source is gone', async () => {
      writeFileSync(join(source, 'a'), 'x');
      const task = aTask('a');
      rmSync(join(source, 'a'));
      expect(await transferOne(task)).toEqual({ id: '42', status: 'vanished' });
    });

    it('never follows a link, nor a directory that was swapped for one', async () => {
      mkdirSync(join(folder, 'secret'));
      writeFileSync(join(folder, 'secret/a'), 'x');
      mkdirSync(join(source, 'dir'));
      writeFileSync(join(source, 'dir/a'), 'x');
      rmSync(join(source, 'dir'), { recursive: true });
      symlinkSync(join(folder, 'secret'), join(source, 'dir'));
      expect(await transferOne(aTask('dir/a'))).toMatchObject({ status: 'failed', kind: 'permanent' });
      expect(filesBelow(experiment)).toEqual([]);
    });

    it('refuses a destination that leads out of the experiment through a link', async () => {
      mkdirSync(join(folder, 'outside'));
      symlinkSync(join(folder, 'outside'), join(experiment, 'data/way-out'));
      mkdirSync(join(source, 'way-out'));
      writeFileSync(join(source, 'way-out/a'), 'x');
      expect(await transferOne(aTask('way-out/a'))).toMatchObject({ status: 'failed', kind: 'permanent' });
      expect(readdirSync(join(folder, 'outside'))).toEqual([]);
    });

    it('never overwrites a file that it knows nothing about', async () => {
      writeFileSync(join(source, 'a'), 'new');
      writeFileSync(join(experiment, 'data/a'), 'foreign');
      const outcome = await transferOne(aTask('a'));
      expect(outcome).toMatchObject({
        status: 'occupied',
        md5Sum: md5(Buffer.from('new')),
        foundMd5Sum: md5(Buffer.from('foreign')),
      });
      expect(readFileSync(join(experiment, 'data/a'), 'utf8')).toBe('foreign');
      expect(filesBelow(experiment)).toEqual(['data/a']);
    });

    it('can be repeated after it was cut off between publishing and reporting', async () => {
      writeFileSync(join(source, 'a'), 'content');
      await transferOne(aTask('a'));
      writeFileSync(join(experiment, 'data/.dm-42.part'), 'remains of an attempt');
      expect(await transferOne(aTask('a'))).toMatchObject({ status: 'published' });
      expect(filesBelow(experiment)).toEqual(['data/a']);
    });

    it('moves the older content aside when a new version takes its name', async () => {
      writeFileSync(join(source, 'a'), 'version 1');
      await transferOne(aTask('a'));
      writeFileSync(join(source, 'a'), 'version 2');
      const task = aTask('a', { id: '43', replaces: { keepAs: Buffer.from('system/versions/v1/data/a') } });
      expect(await transferOne(task)).toMatchObject({ status: 'published', keptPrevious: true });
      expect(await transferOne(task)).toMatchObject({ status: 'published', keptPrevious: true });
      expect(readFileSync(join(experiment, 'data/a'), 'utf8')).toBe('version 2');
      expect(readFileSync(join(experiment, 'system/versions/v1/data/a'), 'utf8')).toBe('version 1');
    });

    it('keeps nothing aside when the content is still the same', async () => {
      writeFileSync(join(source, 'a'), 'same');
      await transferOne(aTask('a'));
      utimesSync(join(source, 'a'), 9, 9);
      const task = aTask('a', { id: '43', replaces: { keepAs: Buffer.from('system/versions/v1/data/a') } });
      expect(await transferOne(task)).toMatchObject({ status: 'published', keptPrevious: false });
      expect(filesBelow(experiment)).toEqual(['data/a']);
    });

    it.each([0, 57_000, 9_000_001])('computes no digest of %i bytes when only the size is asked for', async (size) => {
      const content = randomBytes(size);
      writeFileSync(join(source, 'a'), content);
      expect(await transferOne(aTask('a', { proof: 'size' }))).toEqual({
        id: '42',
        status: 'published',
        md5Sum: null,
        sizeBytes: BigInt(size),
        proof: 'size',
        keptPrevious: false,
      });
      expect(readFileSync(join(experiment, 'data/a')).equals(content)).toBe(true);
      expect(filesBelow(experiment)).toEqual(['data/a']);
    });

    it('compares content with what stands at the destination even when only the size is asked for', async () => {
      writeFileSync(join(source, 'a'), 'new 1');
      writeFileSync(join(experiment, 'data/a'), 'other');
      expect(await transferOne(aTask('a', { proof: 'size' }))).toMatchObject({
        status: 'occupied',
        md5Sum: md5(Buffer.from('new 1')),
        foundMd5Sum: md5(Buffer.from('other')),
      });
      writeFileSync(join(experiment, 'data/a'), 'new 1');
      expect(await transferOne(aTask('a', { proof: 'size' }))).toMatchObject({ status: 'published', proof: 'size' });
    });

    it('only reads when it is asked to compare', async () => {
      writeFileSync(join(source, 'a'), 'content');
      expect(await transferOne(aTask('a', { mode: 'compare' }))).toMatchObject({
        status: 'compared',
        md5Sum: md5(Buffer.from('content')),
      });
      expect(filesBelow(experiment)).toEqual([]);
    });

    it('compares large files too', async () => {
      const contents = [randomBytes(6_000_000), randomBytes(4 * 1024 * 1024 + 1)];
      contents.forEach((content, index) => writeFileSync(join(source, `f${index}`), content));
      const outcomes = await engine.transfer(
        contents.map((_, index) => aTask(`f${index}`, { id: String(index), mode: 'compare' })),
      );
      expect(new Map(outcomes.map((outcome) => [outcome.id, outcome]))).toEqual(
        new Map(
          contents.map((content, index) => [
            String(index),
            { id: String(index), status: 'compared', md5Sum: md5(content), sizeBytes: BigInt(content.length) },
          ]),
        ),
      );
      expect(filesBelow(experiment)).toEqual([]);
    });

    it('answers for each file of a batch, whatever happens to the others', async () => {
      for (const name of ['a', 'b', 'c']) {
        writeFileSync(join(source, name), name);
      }
      const tasks = ['a', 'b', 'c'].map((name, index) => aTask(name, { id: String(index) }));
      rmSync(join(source, 'b'));
      const outcomes = await engine.transfer(tasks);
      expect(Object.fromEntries(outcomes.map((outcome) => [outcome.id, outcome.status]))).toEqual({
        0: 'published',
        1: 'vanished',
        2: 'published',
      });
    });
  });
}
