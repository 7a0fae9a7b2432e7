import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import { DirectoryWatch } from './directory-watch.js';
import { WatchBudget } from './watch-budget.js';
import { describeLimits, readWatchLimits, troubleOf } from './watch-limits.js';
import type { WatchNews } from './watch-protocol.js';

const LIMITS = { maxUserWatches: 10_000, maxUserInstances: 128, maxQueuedEvents: 16_384 };

describe(DirectoryWatch.name, () => {
  let root: string;
  let news: WatchNews[];
  let watch: DirectoryWatch | undefined;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dm-watch-'));
    news = [];
  });
  afterEach(async () => {
    await watch?.close();
    rmSync(root, { recursive: true, force: true });
  });

  function open(limits = LIMITS): WatchBudget {
    const budget = new WatchBudget(limits);
    watch = new DirectoryWatch(1, Buffer.from(root), budget, (one) => news.push(one));
    return budget;
  }
  const told = (kind: 'paths' | 'directories') => news.flatMap((one) => one[kind].map((path) => path.toString()));
  const add = async (...directories: string[]) => {
    watch?.add(directories.map((directory) => Buffer.from(directory)));
    await waitFor(() => directories.every((directory) => told('directories').includes(directory)));
  };

  it('watches the directories that it is given, and no others', async () => {
    mkdirSync(join(root, 'a/not-given'), { recursive: true });
    const budget = open();
    await add('', 'a');
    writeFileSync(join(root, 'a/not-given/1'), '');
    writeFileSync(join(root, 'a/1'), '');
    writeFileSync(join(root, '2'), '');
    await waitFor(() => told('paths').includes('a/1') && told('paths').includes('2'));
    expect(told('paths').filter((path) => path.startsWith('a/not-given'))).toEqual([]);
    expect(budget.used).toBe(2);
  });

  it('tells of names that no text can hold by the directory', async () => {
    open();
    await add('');
    news = [];
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), '');
    await waitFor(() => told('directories').includes(''));
  });

  it('watches a directory that went away and came back', async () => {
    mkdirSync(join(root, 'a'));
    const budget = open();
    await add('', 'a');
    rmSync(join(root, 'a'), { recursive: true });
    await waitFor(() => budget.used === 1);
    mkdirSync(join(root, 'a'));
    news = [];
    await add('a');
    writeFileSync(join(root, 'a/1'), '');
    await waitFor(() => told('paths').includes('a/1'));
  });

  it('says which limit to raise when it is reached, and that nothing is lost', async () => {
    ['a', 'b', 'c'].forEach((name) => mkdirSync(join(root, name)));
    open({ ...LIMITS, maxUserWatches: 3 });
    watch?.add(['', 'a', 'b', 'c'].map((directory) => Buffer.from(directory)));
    const trouble = await waitFor(() => news.at(-1)?.trouble);
    expect(trouble).toMatchObject({
      kind: 'limit',
      message: expect.stringContaining('4 directories want a watch') as string,
      action: expect.stringMatching(/Nothing is lost.*sysctl -w fs\.inotify\.max_user_watches=65536/) as string,
    });
  });

  it('takes the limit back when there is room again, and lists what went unwatched', async () => {
    ['a', 'b', 'c'].forEach((name) => mkdirSync(join(root, name)));
    const budget = open({ ...LIMITS, maxUserWatches: 4 });
    watch?.add(['', 'a', 'b', 'c'].map((directory) => Buffer.from(directory)));
    await waitFor(() => news.at(-1)?.trouble?.kind === 'limit');
    expect(told('directories')).not.toContain('c');
    rmSync(join(root, 'a'), { recursive: true });
    await waitFor(() => news.at(-1)?.trouble === null, { what: 'the end of the trouble' });
    expect(budget.used).toBe(3);
    await waitFor(() => told('directories').includes('c'));
    writeFileSync(join(root, 'c/1'), '');
    await waitFor(() => told('paths').includes('c/1'));
  });

  it('wants no watch any more for a directory that is gone', async () => {
    ['a', 'b'].forEach((name) => mkdirSync(join(root, name)));
    const budget = open({ ...LIMITS, maxUserWatches: 3 });
    watch?.add(['', 'a', 'b'].map((directory) => Buffer.from(directory)));
    await waitFor(() => news.at(-1)?.trouble?.kind === 'limit');
    rmSync(join(root, 'b'), { recursive: true });
    await waitFor(() => news.at(-1)?.trouble === null, { what: 'the end of the trouble' });
    expect(budget.used).toBe(2);
  });

  it('gets the room of a source that is watched no more', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'dm-watch-'));
    const budget = open({ ...LIMITS, maxUserWatches: 2 });
    const other = new DirectoryWatch(2, Buffer.from(elsewhere), budget, () => undefined);
    other.add([Buffer.alloc(0)]);
    watch?.add([Buffer.alloc(0)]);
    await waitFor(() => news.at(-1)?.trouble?.kind === 'limit');
    await other.close();
    await waitFor(() => news.at(-1)?.trouble === null && budget.used === 1, { what: 'the watch' });
    rmSync(elsewhere, { recursive: true });
  });

  it('asks for a pass, too, when so many events came to another source of the same thread', async () => {
    const busy = mkdtempSync(join(tmpdir(), 'dm-watch-'));
    const budget = open({ ...LIMITS, maxQueuedEvents: 100 });
    await add('');
    const heard: WatchNews[] = [];
    const other = new DirectoryWatch(2, Buffer.from(busy), budget, (one) => heard.push(one));
    other.add([Buffer.alloc(0)]);
    await waitFor(() => heard.length > 0);
    for (let at = 0; at < 500; at += 1) {
      writeFileSync(join(busy, `${at}`), '');
    }
    await waitFor(() => news.some((one) => one.wantsScan));
    await other.close();
    rmSync(busy, { recursive: true });
  });

  it('asks for a pass when so many events come that some may have been lost', async () => {
    open({ ...LIMITS, maxQueuedEvents: 100 });
    await add('');
    for (let at = 0; at < 500; at += 1) {
      writeFileSync(join(root, `${at}`), '');
    }
    await waitFor(() => news.some((one) => one.wantsScan));
  });
});

describe('troubleOf', () => {
  it.each([
    ['ENOSPC', 'max_user_watches'],
    ['EMFILE', 'max_user_instances'],
  ])('reads %s as what it is', (code, sysctl) => {
    const trouble = troubleOf(Object.assign(new Error('no space left on device'), { code }), 10, LIMITS);
    expect(trouble).toMatchObject({ kind: 'limit', action: expect.stringContaining(sysctl) as string });
    expect(trouble.message).not.toContain('space left');
  });
});

describe('describeLimits', () => {
  it('tells what to do only where the limit of the kernel is what holds the station back', () => {
    expect(describeLimits(LIMITS, 9000)).toMatchObject({
      message: expect.stringContaining('up to 9000 directories are watched') as string,
      action: expect.stringContaining('sysctl -w fs.inotify.max_user_watches=65536') as string,
    });
    expect(describeLimits({ ...LIMITS, maxUserWatches: 500_000 }, 16_384).action).toBeNull();
  });
});

describe('readWatchLimits', () => {
  it('reads those of this machine', () => {
    expect(readWatchLimits().maxUserWatches).toBeGreaterThan(0);
  });
});
