import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalSourceTree } from '../../../src/daq/source/local-source-tree.js';
import { asideOf } from '../../../src/daq/source/remove-file.js';
import type { SourceIdentity, SourceTree } from '../../../src/daq/source/source-tree.port.js';
import { WatchHub } from '../../../src/daq/source/watch-hub.js';
import { waitFor } from '../../support/wait-for.js';

const LIMIT_MS = 1000;
const filter = {
  includePatterns: [],
  excludePatterns: [],
  includeFileExtensions: [],
  excludeFileExtensions: [],
  onlyFiles: [],
  processHidden: false,
  ignoredNames: [],
  temporaryNames: [],
};

describe(LocalSourceTree.name, () => {
  let folder: string;
  let hub: WatchHub;
  const opened: SourceTree[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-source-'));
    ['roots/source', 'storage', 'elsewhere'].forEach((path) => mkdirSync(join(folder, path), { recursive: true }));
    hub = new WatchHub();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((tree) => tree.close()));
    await hub.onApplicationShutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(directory = 'roots/source', entry?: URL): LocalSourceTree {
    const tree = new LocalSourceTree(
      { host: null, directory: Buffer.from(join(folder, directory)) },
      {
        places: { roots: [join(folder, 'roots')], storage: join(folder, 'storage'), isJobResult: false },
        limitMs: LIMIT_MS,
        hub,
        ...(entry === undefined ? {} : { entry }),
      },
    );
    opened.push(tree);
    return tree;
  }
  const source = (path: string) => join(folder, 'roots/source', path);
  const write = (path: string, content = 'x') => writeFileSync(source(path), content);

  async function identityOf(tree: SourceTree, path: string): Promise<SourceIdentity> {
    const [look] = await tree.look([Buffer.from(path)]);
    return typeof look === 'object' ? look : expect.fail(`no file ${path}`);
  }

  describe('presence', () => {
    it('finds a directory, and says where it is', async () => {
      expect(await open().presence(null)).toMatchObject({
        isThere: true,
        isEmpty: true,
        directory: Buffer.from(join(folder, 'roots/source')),
        device: statSync(join(folder, 'roots/source'), { bigint: true }).dev.toString(),
      });
    });

    it('takes an empty directory on another file system for a mount that has gone', async () => {
      expect(await open().presence('123456789')).toMatchObject({ isThere: false, code: 'not-mounted' });
      write('a');
      expect(await open().presence('123456789')).toMatchObject({ isThere: true });
    });

    it('tells what is wrong with a directory that cannot be used', async () => {
      symlinkSync('/etc', join(folder, 'roots/out'));
      symlinkSync(join(folder, 'storage'), join(folder, 'roots/in-storage'));
      write('file');
      const code = async (path: string) => {
        const presence = await open(path).presence(null);
        return presence.isThere ? 'there' : presence.code;
      };
      expect(await code('roots/missing/deep')).toBe('missing');
      expect(await code('roots/out')).toBe('outside-roots');
      expect(await code('roots/out/missing')).toBe('outside-roots');
      expect(await code('elsewhere')).toBe('outside-roots');
      expect(await code('roots/in-storage')).toBe('in-storage');
      expect(await code('roots/source/file')).toBe('not-a-directory');
    });
  });

  it('scans in batches, one ahead, and says which directories are new', async () => {
    for (let at = 0; at < 2500; at += 1) {
      write(`${at}.tif`);
    }
    const sizes: number[] = [];
    const tree = open();
    for await (const batch of tree.scan({ pass: 'full', filter })) {
      sizes.push(batch.files.length);
    }
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(2500);
    for await (const batch of tree.scan({ pass: 'changes', filter })) {
      expect(batch.files).toEqual([]);
    }
  });

  it('looks at many paths at once, and opens none', async () => {
    write('a', '12345');
    mkdirSync(join(folder, 'roots/source/d'));
    execFileSync('mkfifo', [join(folder, 'roots/source/fifo')]);
    symlinkSync('a', join(folder, 'roots/source/link'));
    const looks = await open().look(['a', 'd', 'fifo', 'link', 'none', 'a/b'].map((path) => Buffer.from(path)));
    expect(looks).toMatchObject([{ sizeBytes: 5n }, 'directory', 'gone', 'gone', 'gone', 'gone']);
  });

  it('reads the start of a regular file only', async () => {
    write('a', '12345');
    execFileSync('mkfifo', [join(folder, 'roots/source/fifo')]);
    expect(await open().read(Buffer.from('a'), 3)).toEqual(Buffer.from('123'));
    expect(await open().read(Buffer.from('fifo'), 3)).toBeUndefined();
  });

  it('removes a file only while it is the one that was copied', async () => {
    write('a', 'old');
    const tree = open();
    const [look] = await tree.look([Buffer.from('a')]);
    const identity = typeof look === 'object' ? look : expect.fail('no file');
    write('a', 'newer');
    expect(await tree.remove(Buffer.from('a'), identity)).toMatchObject({
      status: 'changed',
      detail: expect.stringContaining('sizeBytes 3 → 5') as string,
    });
    const [now] = await tree.look([Buffer.from('a')]);
    expect(await tree.remove(Buffer.from('a'), typeof now === 'object' ? now : identity)).toEqual({
      status: 'removed',
    });
    expect(await tree.remove(Buffer.from('a'), identity)).toEqual({ status: 'gone' });
  });

  it('does not take another file that has the name of the one that was copied', async () => {
    write('a', 'old');
    const tree = open();
    const identity = await identityOf(tree, 'a');
    write('b', 'old');
    renameSync(source('b'), source('a'));
    expect(await tree.remove(Buffer.from('a'), identity)).toMatchObject({
      status: 'changed',
      detail: expect.stringContaining('another file has taken its name') as string,
    });
    expect(readdirSync(source(''))).toEqual(['a']);
  });

  describe('after a crash between the two names of a removal', () => {
    /** As the crash leaves it: the file has its private name only. */
    async function brokenOff(tree: SourceTree): Promise<SourceIdentity> {
      write('a', 'old');
      const identity = await identityOf(tree, 'a');
      renameSync(source('a'), asideOf(Buffer.from(source('a')), identity));
      return identity;
    }

    it('goes on, whoever has taken the name meanwhile', async () => {
      const tree = open();
      const identity = await brokenOff(tree);
      write('a', 'new');
      expect(await tree.remove(Buffer.from('a'), identity)).toEqual({ status: 'removed' });
      expect(readFileSync(source('a'), 'utf8')).toBe('new');
      expect(readdirSync(source(''))).toEqual(['a']);
    });

    it('gives the name back when the file was written to under the private one', async () => {
      const tree = open();
      const identity = await brokenOff(tree);
      writeFileSync(asideOf(Buffer.from(source('a')), identity), 'newer');
      expect(await tree.remove(Buffer.from('a'), identity)).toMatchObject({ status: 'changed' });
      expect(readFileSync(source('a'), 'utf8')).toBe('newer');
      expect(readdirSync(source(''))).toEqual(['a']);
    });

    it('gives the name back when the removal is not wanted any more', async () => {
      const tree = open();
      const identity = await brokenOff(tree);
      await tree.restore(Buffer.from('a'), identity);
      expect(readFileSync(source('a'), 'utf8')).toBe('old');
      await tree.restore(Buffer.from('a'), identity);
      expect(readdirSync(source(''))).toEqual(['a']);
    });
  });

  it('removes nothing through a directory that has become a link', async () => {
    mkdirSync(source('d'));
    write('d/a', 'old');
    const tree = open();
    const identity = await identityOf(tree, 'd/a');
    renameSync(source('d'), join(folder, 'elsewhere/d'));
    symlinkSync(join(folder, 'elsewhere/d'), source('d'));
    expect(await tree.remove(Buffer.from('d/a'), identity)).toMatchObject({ status: 'changed' });
    expect(readFileSync(join(folder, 'elsewhere/d/a'), 'utf8')).toBe('old');
  });

  it('tells of files and directories as they come', async () => {
    const tree = open();
    const paths = new Set<string>();
    const directories = new Set<string>();
    const watch = tree.watch(() => {
      const hints = watch?.takeHints();
      hints?.paths.forEach((path) => paths.add(path.toString()));
      hints?.directories.forEach((path) => directories.add(path.toString()));
    });
    const pass = async () => {
      for await (const batch of tree.scan({ pass: 'changes', filter })) {
        expect(batch.problems).toEqual([]);
      }
    };
    await pass();
    await waitFor(() => directories.has(''), { what: 'the root to be watched' });
    write('a.tif');
    mkdirSync(join(folder, 'roots/source/d'));
    await waitFor(() => paths.has('a.tif') && paths.has('d'), { what: 'the events' });
    await pass();
    await waitFor(() => directories.has('d'), { what: 'the directory to be watched' });
    write('d/b.tif');
    await waitFor(() => paths.has('d/b.tif'), { what: 'the event below' });
    expect(watch?.trouble()).toBeNull();
    await watch?.close();
  });

  describe('with a file system that hangs', () => {
    /** A thread whose every call hangs in the kernel until somebody writes into the FIFO; with the flag it answers. */
    function aHangingEntry(): { entry: URL; fifo: string; answers: () => void } {
      const fifo = join(folder, 'fifo');
      const flag = join(folder, 'answers');
      execFileSync('mkfifo', [fifo]);
      const file = join(folder, 'entry.mjs');
      writeFileSync(
        file,
        `import { existsSync, openSync } from 'node:fs';
         import { parentPort } from 'node:worker_threads';
         parentPort.on('message', ({ id }) => {
           if (!existsSync(${JSON.stringify(flag)})) {
             openSync(${JSON.stringify(fifo)}, 'r');
           }
           parentPort.postMessage({ id, answer: { isThere: true, directory: new Uint8Array() } });
         });`,
      );
      return { entry: pathToFileURL(file), fifo, answers: () => writeFileSync(flag, '') };
    }

    it('says that it does not answer, holds nobody else, and goes on when it answers', async () => {
      const { entry, fifo, answers } = aHangingEntry();
      const tree = open('roots/source', entry);
      const startedAt = performance.now();
      const hanging = tree.presence(null);
      const scanning = tree.scan({ pass: 'full', filter }).next();
      scanning.catch(() => undefined);

      expect(await open().presence(null)).toMatchObject({ isThere: true });
      expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
      expect(await hanging).toEqual({ isThere: false, code: 'no-answer', reason: 'it does not answer for 1 s' });
      await expect(scanning).rejects.toMatchObject({ code: 'SOURCE_NO_ANSWER' });

      // A second thread is tried; after that none, so the answer comes at once.
      expect(await tree.presence(null)).toMatchObject({ code: 'no-answer' });
      const before = performance.now();
      expect(await tree.presence(null)).toMatchObject({ code: 'no-answer' });
      expect(performance.now() - before).toBeLessThan(LIMIT_MS / 2);

      answers();
      // What lets go of both: the calls come back from the kernel.
      const writer = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
      await waitFor(async () => (await tree.presence(null)).isThere, { what: 'the source to answer' });
      closeSync(writer);
    });
  });
});
