import { describe, expect, it } from 'vitest';
import type { Look } from '../source/source-tree.port.js';
import { plainSettle, type SettleOptions } from './settle-options.js';
import { settleRule } from './settle-rule.js';

/** A source that holds these small files. */
function aTree(files: Record<string, string>) {
  const asked: string[] = [];
  return {
    asked,
    look: (paths: readonly Uint8Array[]): Promise<Look[]> => {
      asked.push(...paths.map((path) => Buffer.from(path).toString()));
      return Promise.resolve(paths.map((path) => (Buffer.from(path).toString() in files ? A_LOOK : 'gone')));
    },
    read: (path: Uint8Array, limit: number) => {
      const text = files[Buffer.from(path).toString()];
      return Promise.resolve(text === undefined ? undefined : Buffer.from(text).subarray(0, limit));
    },
  };
}
const A_LOOK: Look = {
  relativePath: Buffer.alloc(0),
  device: 1n,
  inode: 1n,
  sizeBytes: 1n,
  mtimeNs: 1n,
  ctimeNs: 1n,
};
const rule = (options: Partial<SettleOptions>, files: Record<string, string>) =>
  settleRule({ ...plainSettle(1, []), ...options }, aTree(files)) ?? expect.fail('no rule');
const file = (path: string, sizeBytes = 10n) => ({ relativePath: Buffer.from(path), sizeBytes });

describe('settleRule', () => {
  it('is none where the quiet time says all', () => {
    expect(settleRule(plainSettle(1, []), aTree({}))).toBeUndefined();
    expect(settleRule({ ...plainSettle(1, []), rule: 'rename' }, aTree({}))).toBeUndefined();
  });

  it('waits for the marker of each file, and names it', async () => {
    const marker = rule({ rule: 'marker', marker: '{name}.done' }, { 's/a.h5.done': '' });
    expect(await marker.check([file('s/a.h5'), file('s/b.h5'), file('s/a.h5.done')])).toMatchObject([
      null,
      { code: 'waits-for-marker', reason: expect.stringContaining('s/b.h5.done') as string },
      null,
    ]);
  });

  it('looks once at a marker that many share', async () => {
    const tree = aTree({ 's/DONE': '' });
    const marker = settleRule({ ...plainSettle(1, []), rule: 'marker', marker: '{dir}/DONE' }, tree);
    expect(await marker?.check([file('s/a'), file('s/b'), file('t/c')])).toMatchObject([
      null,
      null,
      { code: 'waits-for-marker' },
    ]);
    expect(tree.asked).toEqual(['s/DONE', 't/DONE']);
  });

  it.each([
    ['10', null],
    [' 10 bytes\n', null],
    ['11', '10 of the 11 bytes'],
    ['9', '10 of the 9 bytes'],
    ['ten', 'does not begin with a number'],
    ['99999999999999999999', 'does not begin with a number'],
  ])('compares with the size in the side file %j', async (text, expected) => {
    const size = rule({ rule: 'size', sizeFile: '{name}.size' }, { 'a.size': text });
    const [waits] = await size.check([file('a')]);
    expect(waits?.reason ?? null).toEqual(expected === null ? null : expect.stringContaining(expected));
  });

  it('waits for the side file, and for the smallest size', async () => {
    const size = rule({ rule: 'size', sizeFile: '{name}.size', minBytes: 5 }, {});
    const waits = await size.check([file('a'), file('b', 4n), file('c.size')]);
    expect(waits.map((one) => one?.reason)).toEqual([
      expect.stringContaining('a.size, which tells its size, is not there'),
      expect.stringContaining('4 of at least 5 bytes'),
      undefined,
    ]);
  });
});
