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
import { readKernelFacts } from '../../../src/daq/source/kernel-facts.js';
import { LocalSourceTree } from '../../../src/daq/source/local-source-tree.js';
import { SourceThreads } from '../../../src/daq/source/source-threads.js';
import { asideOf } from '../../../src/daq/source/remove-file.js';
import type { SourceIdentity, SourceTree } from '../../../src/daq/source/source-tree.port.js';
import { WatchHub } from '../../../src/daq/source/watch-hub.js';
import { waitFor } from '../../support/wait-for.js';
import { describeSourceTree, TAKES_ALL } from './source-tree.suite.js';

/** Of a file system that hangs; one that answers may take its time to start its threads. */
const LIMIT_MS = 1000;
const PATIENT_MS = 20_000;

describe(LocalSourceTree.name, () => {
  let folder: string;
  let hub: WatchHub;
  let threads: SourceThreads;
  const opened: SourceTree[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-source-'));
    ['roots/source', 'storage', 'elsewhere'].forEach((path) => mkdirSync(join(folder, path), { recursive: true }));
    hub = new WatchHub(readKernelFacts());
    threads = new SourceThreads();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((tree) => tree.close()));
    threads.close();
    await hub.onApplicationShutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(directory = 'roots/source', { entry, mountInfo }: { entry?: URL; mountInfo?: string } = {}) {
    const tree = new LocalSourceTree(
      { host: null, directory: Buffer.from(join(folder, directory)) },
      {
        places: { roots: [join(folder, 'roots')], storage: join(folder, 'storage'), isJobResult: false },
        limitMs: entry === undefined ? PATIENT_MS : LIMIT_MS,
        hub,
        mountInfo: mountInfo ?? readKernelFacts().mountInfo,
        threads: entry === undefined ? threads : new SourceThreads(entry),
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

  describeSourceTree({
    folder: () => folder,
    open: (directory) => open(directory),
  });

  describe('on a file server', () => {
    /** As if the folder of the sources were mounted from a file server. */
    function openShared(directory = 'roots/source'): LocalSourceTree {
      const mountInfo = join(folder, 'mountinfo');
      writeFileSync(
        mountInfo,
        [
          '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
          `40 22 0:44 / ${join(folder, 'roots')} rw,relatime shared:20 - nfs4 server:/export rw,hard`,
        ].join('\n'),
      );
      const tree = open(directory, { mountInfo });
      // Whoever takes files of a source looks first whether it is there.
      void tree.presence(null);
      return tree;
    }
    const lookThreads = () =>
      readdirSync('/proc/self/task').filter(
        (task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() === 'dm-look',
      );

    describeSourceTree({ folder: () => folder, open: openShared });

    it('is looked at by several threads, which end with the source', async () => {
      const names = Array.from({ length: 50 }, (_, at) => `${at}.tif`);
      names.forEach((name) => write(name, name));
      const tree = openShared();
      expect(await tree.presence(null)).toMatchObject({ fileSystem: { type: 'nfs4', isShared: true } });
      await waitFor(() => lookThreads().length === 4, { what: 'four threads' });
      const looks = await tree.look([...names, 'none'].map((name) => Buffer.from(name)));
      // In the order asked for, whichever thread was the first to answer.
      const found = looks.map((look) => (typeof look === 'object' ? Buffer.from(look.relativePath).toString() : look));
      expect(found).toEqual([...names, 'gone']);
      await tree.close();
      // Its thread is kept for the next source, which is no file server.
      expect(await open('roots').presence(null)).toMatchObject({ isThere: true });
      await waitFor(() => lookThreads().length === 0, { what: 'the threads to end' });
    });

    it('is asked for its clock by a file, also where a link leads to it, and keeps none', async () => {
      symlinkSync(source(''), join(folder, 'elsewhere/link'));
      const changedAt = statSync(source(''), { bigint: true }).mtimeNs;
      expect(await openShared('elsewhere/link').clock()).toBeGreaterThan(changedAt);
      expect(statSync(source(''), { bigint: true }).mtimeNs).toBeGreaterThan(changedAt);
      expect(readdirSync(source(''))).toEqual([]);
    });
  });

  it('refuses the storage area', async () => {
    symlinkSync(join(folder, 'storage'), join(folder, 'roots/in-storage'));
    expect(await open('roots/in-storage').presence(null)).toMatchObject({ isThere: false, code: 'in-storage' });
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
      for await (const batch of tree.scan({ pass: 'changes', filter: TAKES_ALL })) {
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

  it('serves one source after the other by the same thread, and mixes nothing up', async () => {
    write('a');
    const first = open();
    await expect(first.look([Buffer.from('a')])).resolves.toMatchObject([{ sizeBytes: 1n }]);
    await first.close();
    mkdirSync(join(folder, 'roots/other'));
    writeFileSync(join(folder, 'roots/other/b'), 'xy');
    await new Promise(setImmediate);

    const second = open('roots/other');
    const paths: string[] = [];
    for await (const { files } of second.scan({ pass: 'full', filter: TAKES_ALL })) {
      paths.push(...files.map((file) => Buffer.from(file.relativePath).toString()));
    }

    expect(paths).toEqual(['b']);
    await expect(second.look([Buffer.from('a'), Buffer.from('b')])).resolves.toMatchObject(['gone', { sizeBytes: 2n }]);
    await expect(first.look([Buffer.from('a')])).rejects.toThrow('closed');
  });

  it('is not disturbed by a pass of the source before, which ends when its thread is given back already', async () => {
    write('a');
    const first = open();
    const late = first.scan({ pass: 'full', filter: TAKES_ALL, isSpread: true });
    await late.next();
    await first.close();
    await new Promise(setImmediate);
    mkdirSync(join(folder, 'roots/other'));
    const names = Array.from({ length: 3500 }, (_, index) => `${index}`);
    names.forEach((name) => writeFileSync(join(folder, 'roots/other', name), ''));
    const second = open('roots/other');
    const found: string[] = [];

    for await (const { files } of second.scan({ pass: 'full', filter: TAKES_ALL })) {
      found.push(...files.map((file) => Buffer.from(file.relativePath).toString()));
      await late.return(undefined);
    }

    expect(found.toSorted()).toEqual(names.toSorted());
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
      const tree = open('roots/source', { entry });
      const startedAt = performance.now();
      const hanging = tree.presence(null);
      const scanning = tree.scan({ pass: 'full', filter: TAKES_ALL }).next();
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
