import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, type Group, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBytes } from '../../../../../test/support/read-bytes.js';

let directory: string;

beforeAll(async () => {
  await ready;
  directory = mkdtempSync(join(tmpdir(), 'dm-hdf5-spec-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The bytes of a file that `write` fills. */
function hdf5(write: (file: File) => void): Buffer {
  const path = join(directory, 'made.h5');
  const file = new File(path, 'w', { libver: 'latest' });
  write(file);
  file.close();
  return readFileSync(path);
}

const small = () => hdf5((file) => file.create_dataset({ name: 'energy', data: 12.4, dtype: '<d' }));

describe('the HDF5 reader', () => {
  it('reads values of all plain types in their shapes', async () => {
    const bytes = hdf5((file) => {
      file.create_dataset({ name: 'scalar', data: 12.4, dtype: '<d' }).create_attribute('units', 'keV');
      file.create_dataset({ name: 'text', data: 'hällo' });
      file.create_dataset({ name: 'texts', data: ['a', 'b'] });
      file.create_dataset({ name: 'longs', data: new BigInt64Array([1n, 2n ** 60n, 3n, 4n]), shape: [2, 2] });
      file.create_dataset({
        name: 'table',
        data: new Map([
          ['x', [1, 2]],
          ['y', [0.5, 1.5]],
        ]),
      });
      file.create_dataset({ name: 'empty', data: new Float32Array(0), shape: [0] });
      file.create_dataset({ name: 'float', data: new Float32Array([0.1, 16_777_216, 1 / 3]) });
      file.create_dataset({ name: 'large', data: new Uint16Array(33) });
      file.create_attribute('list', [1, 2, 3]);
      file.create_attribute('single', ['NXroot']);
      file.create_attribute('nan', NaN);
    });
    expect(await readBytes(bytes)).toMatchObject({ format: 'hdf5', complaint: null });
    expect((await readBytes(bytes)).raw).toEqual({
      '@hdf5': { superblockVersion: 3 },
      '@list': [1, 2, 3],
      '@nan': 'NaN',
      '@single': 'NXroot',
      scalar: { type: 'float64', shape: [], value: 12.4, '@units': 'keV' },
      text: { type: 'string', shape: [], value: 'hällo' },
      texts: { type: 'string', shape: [2], value: ['a', 'b'] },
      longs: {
        type: 'int64',
        shape: [2, 2],
        value: [
          [1, '1152921504606846976'],
          [3, 4],
        ],
      },
      table: {
        type: 'compound',
        shape: [2],
        value: [
          { x: 1, y: 0.5 },
          { x: 2, y: 1.5 },
        ],
      },
      empty: { type: 'float32', shape: [0], value: [] },
      float: { type: 'float32', shape: [3], value: [0.1, 16_777_216, 0.33333334] },
      large: { type: 'uint16', shape: [33] },
    });
  });

  it('notes links and follows none out of the file', async () => {
    const { raw, complaint } = await readBytes(
      hdf5((file) => {
        const group: Group = file.create_group('g');
        group.create_external_link('/etc/passwd', '/x', 'outside');
        group.create_soft_link('/nowhere', 'dangling');
        group.create_soft_link('/g', 'soft');
        group.create_hard_link('/g', 'self');
        file.create_soft_link('/g/outside', 'two');
        file.create_dataset({ name: 'data', data: 1 });
        file.create_soft_link('/data', 'same');
      }),
    );
    expect(complaint).toBeNull();
    expect(raw['g']).toEqual({
      outside: { link: 'external', file: '/etc/passwd', path: '/x' },
      dangling: { link: 'soft', path: '/nowhere' },
      soft: { link: 'cycle', path: '/g' },
      self: { link: 'cycle' },
    });
    expect(raw['two']).toEqual({ link: 'soft', path: '/g/outside' });
    expect(raw['same']).toMatchObject({ value: 1 });
  });

  it.each([512, 1024, 2048, 65_536])('finds the signature behind a user block of %i bytes', async (length) => {
    const { format, raw } = await readBytes(Buffer.concat([Buffer.alloc(length), small()]));
    expect(format).toBe('hdf5');
    expect(raw).toMatchObject({ '@hdf5': { userBlockBytes: length }, energy: { value: 12.4 } });
  });

  it('reads a file that is still written (SWMR), and says so', async () => {
    const path = join(directory, 'swmr.h5');
    const file = new File(path, 'w', { libver: 'latest' });
    file.create_dataset({ name: 'energy', data: 12.4, dtype: '<d' });
    file.flush();
    const unfinished = await readBytes(readFileSync(path));
    file.start_swmr_write();
    const live = await readBytes(readFileSync(path));
    file.close();
    expect(live.raw).toMatchObject({ '@hdf5': { isOpenForSwmr: true }, energy: { value: 12.4 } });
    expect(live.complaint).toMatch(/^A writer still has this file open \(SWMR\)/);
    expect(unfinished.raw['@hdf5']).toEqual({ superblockVersion: 3, isOpenForWriting: true, isOpenForSwmr: false });
    expect(unfinished.complaint).toMatch(/h5clear/);
  });

  it('complains of a truncated file in its own words', async () => {
    const bytes = hdf5((file) => file.create_dataset({ name: 'a', data: new Float64Array(1000) }));
    const { complaint, raw } = await readBytes(bytes.subarray(0, 1000));
    expect(complaint).toBe(`The file is truncated: by its own words it has ${bytes.length} bytes, there are 1000.`);
    expect(raw).toHaveProperty('@hdf5');
    expect((await readBytes(bytes.subarray(0, 30))).complaint).toBe('The file ends within its superblock.');
  });

  it('shows nothing in the place of a value that cannot be read', async () => {
    const bytes = hdf5((file) => {
      file.create_dataset({ name: 'lost', data: 'a text of variable length' });
      file.create_dataset({ name: 'energy', data: 12.4, dtype: '<d' });
    });
    bytes.write('XXXX', bytes.indexOf('GCOL'), 'latin1'); // the heap that holds the text
    const { raw, complaint, isReaderBroken } = await readBytes(bytes);
    expect(raw['lost']).toEqual({ type: 'string', shape: [] });
    expect(raw['energy']).toMatchObject({ value: 12.4 });
    expect(complaint).toBe('Some of it cannot be read: /lost (bad global heap collection signature).');
    expect(isReaderBroken).toBe(false);
  });

  it.each([
    [0, 'free space of no size'],
    [1, 'an object that is as large as all memory'],
  ])('does not go round for ever in a heap with %i: %s', async (index) => {
    const bytes = hdf5((file) => {
      file.create_dataset({ name: 'lost', data: 'a text of variable length' });
      file.create_dataset({ name: 'energy', data: 12.4, dtype: '<d' });
    });
    const object = bytes.indexOf('GCOL') + 16;
    bytes.writeUInt16LE(index, object);
    bytes.writeBigUInt64LE(index === 0 ? 0n : 0xffff_fff0n, object + 8);
    const { raw, complaint } = await readBytes(bytes);
    expect(raw['lost']).not.toHaveProperty('value');
    expect(raw['energy']).toMatchObject({ value: 12.4 });
    expect(complaint).toMatch(/^Some of it cannot be read: \/lost/);
  });

  it('bounds what it reads of a file without end', async () => {
    const { raw, complaint } = await readBytes(
      hdf5((file) => {
        let group: Group = file;
        for (let depth = 0; depth < 40; depth += 1) {
          group = group.create_group('deeper');
        }
        const wide = file.create_group('wide');
        for (let index = 0; index < 300; index += 1) {
          wide.create_attribute(`a${index}`, 'x'.repeat(5000));
        }
      }),
    );
    expect(complaint).toBeNull();
    expect(Buffer.byteLength(JSON.stringify(raw))).toBeLessThan(1_048_576);
    expect(raw['@truncated']).toEqual(
      expect.arrayContaining([expect.stringContaining('deeper than 20 groups'), expect.stringContaining('wide/@a')]),
    );
  });
});
