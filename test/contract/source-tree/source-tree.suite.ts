import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FilterOptions } from '../../../src/daq/scan/file-filter.js';
import type { ScanRequest, SourceTree } from '../../../src/daq/source/source-tree.port.js';
import { waitFor } from '../../support/wait-for.js';

export const TAKES_ALL: FilterOptions = {
  includePatterns: [],
  excludePatterns: [],
  includeFileExtensions: [],
  excludeFileExtensions: [],
  onlyFiles: [],
  processHidden: false,
  ignoredNames: [],
  temporaryNames: [],
};

/** A folder with `roots/source`, below the root `roots`, and `elsewhere`; made anew for each test. */
export interface SourceTreeHarness {
  folder(): string;
  /** A tree of a directory, relative to the folder. */
  open(directory: string): SourceTree;
}

/** What every adapter of the port does. */
export function describeSourceTree({ folder, open }: SourceTreeHarness): void {
  const at = (path: string) => join(folder(), 'roots/source', path);
  const write = (path: string, content = 'x') => writeFileSync(at(path), content);
  const pass = async (tree: SourceTree, request: Partial<ScanRequest> = {}) => {
    const files = new Map<string, bigint>();
    const problems = new Map<string, string>();
    for await (const batch of tree.scan({ pass: 'full', filter: TAKES_ALL, ...request })) {
      batch.files.forEach((file) => files.set(Buffer.from(file.relativePath).toString('latin1'), file.mtimeNs));
      batch.problems.forEach((one) => problems.set(Buffer.from(one.relativePath).toString('latin1'), one.code));
    }
    return { files: [...files.keys()].sort(), problems: Object.fromEntries(problems), times: files };
  };

  describe('presence', () => {
    it('finds a directory, and says where it is', async () => {
      expect(await open('roots/source').presence(null)).toMatchObject({
        isThere: true,
        isEmpty: true,
        directory: Buffer.from(join(folder(), 'roots/source')),
        device: expect.stringMatching(
          new RegExp(`^${statSync(join(folder(), 'roots/source'), { bigint: true }).dev}(@/|$)`),
        ) as string,
      });
    });

    it('takes an empty directory on another file system for a mount that has gone', async () => {
      expect(await open('roots/source').presence('123456789')).toMatchObject({ isThere: false, code: 'not-mounted' });
      write('a');
      expect(await open('roots/source').presence('123456789')).toMatchObject({ isThere: true });
    });

    it('takes a directory on another file system for lost where nothing is mounted any more, whatever is in it', async () => {
      write('a');
      const code = async (device: string) => {
        const presence = await open('roots/source').presence(device);
        return presence.isThere ? 'there' : presence.code;
      };
      expect(await code(`123456789@${join(folder(), 'roots/source')}`)).toBe('not-mounted');
      // Another number alone may be the same file system after a restart of the machine.
      const seen = await open('roots/source').presence(null);
      const device = seen.isThere ? seen.device : expect.fail('not there');
      expect(await code(device.replace(/^\d+/, '123456789'))).toBe('there');
    });

    it('tells what is wrong with a directory that cannot be used', async () => {
      symlinkSync('/etc', join(folder(), 'roots/out'));
      write('file');
      const code = async (path: string) => {
        const presence = await open(path).presence(null);
        return presence.isThere ? 'there' : presence.code;
      };
      expect(await code('roots/missing/deep')).toBe('missing');
      expect(await code('roots/out')).toBe('outside-roots');
      expect(await code('roots/out/missing')).toBe('outside-roots');
      expect(await code('elsewhere')).toBe('outside-roots');
      expect(await code('roots/source/file')).toBe('not-a-directory');
    });
  });

  it('scans in batches, one ahead, and says which directories are new', async () => {
    for (let at = 0; at < 2500; at += 1) {
      write(`${at}.tif`);
    }
    const sizes: number[] = [];
    const tree = open('roots/source');
    for await (const batch of tree.scan({ pass: 'full', filter: TAKES_ALL })) {
      sizes.push(batch.files.length);
    }
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(2500);
    for await (const batch of tree.scan({ pass: 'changes', filter: TAKES_ALL })) {
      expect(batch.files).toEqual([]);
    }
  });

  it('looks at many paths at once, and opens none', async () => {
    write('a', '12345');
    mkdirSync(join(folder(), 'roots/source/d'));
    execFileSync('mkfifo', [join(folder(), 'roots/source/fifo')]);
    symlinkSync('a', join(folder(), 'roots/source/link'));
    const looks = await open('roots/source').look(
      ['a', 'd', 'fifo', 'link', 'none', 'a/b'].map((path) => Buffer.from(path)),
    );
    expect(looks).toMatchObject([{ sizeBytes: 5n }, 'directory', 'gone', 'gone', 'gone', 'gone']);
  });

  it('reads the start of a regular file only', async () => {
    write('a', '12345');
    execFileSync('mkfifo', [join(folder(), 'roots/source/fifo')]);
    expect(await open('roots/source').read(Buffer.from('a'), 3)).toEqual(Buffer.from('123'));
    expect(await open('roots/source').read(Buffer.from('fifo'), 3)).toBeUndefined();
  });

  it('removes a file only while it is the one that was copied', async () => {
    write('a', 'old');
    const tree = open('roots/source');
    const [look] = await tree.look([Buffer.from('a')]);
    const identity = typeof look === 'object' ? look : expect.fail('no file');
    write('a', 'newer');
    expect(await tree.remove(Buffer.from('a'), identity)).toMatchObject({
      status: 'changed',
      detail: expect.stringContaining('→') as string,
    });
    const [now] = await tree.look([Buffer.from('a')]);
    expect(await tree.remove(Buffer.from('a'), typeof now === 'object' ? now : identity)).toEqual({
      status: 'removed',
    });
    expect(await tree.remove(Buffer.from('a'), identity)).toEqual({ status: 'gone' });
  });

  it('takes names as bytes, and times to the nanosecond, before 1970, too', async () => {
    const names = ['-rf', 'a b', "it's", 'two\nlines', '$(touch x)', '*', '\\n', 'ä\u{1F4A5}'].map((name) =>
      Buffer.from(name),
    );
    names.push(Buffer.from([0xff, 0x2e, 0x80]), Buffer.alloc(255, 'n'));
    const directory = Buffer.from(at('d \n$(x)\'"'));
    mkdirSync(directory);
    for (const name of names) {
      writeFileSync(Buffer.concat([directory, Buffer.from('/'), name]), 'x');
    }
    write('old');
    utimesSync(at('old'), -1.5, -1.5);
    execFileSync('touch', ['-d', '2026-01-02T03:04:05.123456789Z', at('exact')]);
    const tree = open('roots/source');
    const { files, times, problems } = await pass(tree);
    const expected = names.map((name) => `d \n$(x)'"/${name.toString('latin1')}`);
    expect(files).toEqual([...expected, 'old', 'exact'].sort());
    expect(problems).toEqual({});
    expect(times.get('old')).toBe(statSync(at('old'), { bigint: true }).mtimeNs);
    expect(times.get('exact')).toBe(statSync(at('exact'), { bigint: true }).mtimeNs);
    const looks = await tree.look(files.map((path) => Buffer.from(path, 'latin1')));
    expect(looks.filter((look) => typeof look !== 'object')).toEqual([]);
    const victim = Buffer.from(expected[3] ?? '', 'latin1');
    const [look] = await tree.look([victim]);
    expect(await tree.remove(victim, typeof look === 'object' ? look : expect.fail('no file'))).toEqual({
      status: 'removed',
    });
    expect(readdirSync(directory).length).toBe(names.length - 1);
  });

  it('names what it does not take, and never follows or opens it', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    symlinkSync('/etc', at('link'));
    write('new.tmp');
    write('.hidden');
    mkdirSync(at('.git'));
    write('.git/config');
    lutimesSync(at('link'), 1, 1);
    const { files, problems } = await pass(open('roots/source'), {
      filter: { ...TAKES_ALL, temporaryNames: ['*.tmp'] },
    });
    expect(files).toEqual([]);
    expect(problems).toEqual({ fifo: 'NOT_A_REGULAR_FILE', link: 'SYMBOLIC_LINK', 'new.tmp': 'TEMPORARY_NAME' });
  });

  it('looks only at the files that were named', async () => {
    mkdirSync(at('deep'));
    write('deep/a');
    write('b');
    const { files, problems } = await pass(open('roots/source'), {
      filter: { ...TAKES_ALL, onlyFiles: ['deep/a', 'none'] },
    });
    expect(files).toEqual(['deep/a']);
    expect(problems).toEqual({ none: 'NO_SUCH_FILE' });
  });

  it('finds in a pass over changes what came, and no more, and forgets what went', async () => {
    for (const directory of ['a', 'a/b', 'c']) {
      mkdirSync(at(directory));
      write(`${directory}/1`);
    }
    const tree = open('roots/source');
    expect((await pass(tree)).files).toEqual(['a/1', 'a/b/1', 'c/1']);
    expect((await pass(tree, { pass: 'changes' })).files).toEqual([]);
    // Until the directories are older than the clock's grain they are listed again each time.
    await waitFor(async () => (await pass(tree, { pass: 'changes' })).files.length === 0, { everyMs: 2100 });
    write('a/b/2');
    mkdirSync(at('a/new/deep'), { recursive: true });
    write('a/new/deep/3');
    rmSync(at('c'), { recursive: true });
    expect((await pass(tree, { pass: 'changes' })).files).toEqual(['a/b/2', 'a/new/deep/3']);
    write('a/b/1', 'rewritten in place');
    expect((await pass(tree)).files).toEqual(['a/1', 'a/b/1', 'a/b/2', 'a/new/deep/3']);
    expect((await pass(tree, { isSpread: true })).files).toEqual(['a/1', 'a/b/1', 'a/b/2', 'a/new/deep/3']);
    expect((await pass(tree, { pass: 'changes', only: [Buffer.from('c'), Buffer.from('a/new')] })).files).toEqual([]);
  });

  it('gives what was not taken again', async () => {
    write('a');
    const tree = open('roots/source');
    const first = tree.scan({ pass: 'full', filter: TAKES_ALL });
    await first.next();
    await first.return(undefined);
    expect((await pass(tree, { pass: 'changes' })).files).toEqual(['a']);
    expect((await pass(tree, { pass: 'changes' })).files).toEqual([]);
  });

  it('tells the time of the source', async () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    const clock = (await open('roots/source').clock()) ?? 0n;
    expect(clock).toBeGreaterThan(now - 5_000_000_000n);
    expect(clock).toBeLessThan(now + 5_000_000_000n);
  });
}
