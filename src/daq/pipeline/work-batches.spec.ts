import { describe, expect, it } from 'vitest';
import { batchesOf } from './work-batches.js';

const item = (id: string, sizeBytes: bigint) => ({ id, sizeBytes });

const BOUNDS = { files: 10, bytes: 8, workers: 2 };
const idsOf = (batches: { id: string }[][]) => batches.map((batch) => batch.map(({ id }) => id).join());

describe('batchesOf', () => {
  it('bounds a batch in number and in bytes and keeps the order', () => {
    const items = [item('1', 4n), item('2', 4n), item('3', 4n), item('4', 1n), item('5', 1n)];
    const batches = batchesOf(items, { files: 3, bytes: 8, workers: 2 });
    expect(batches.map((batch) => batch.map((one) => one.id))).toEqual([
      ['1', '2'],
      ['3', '4', '5'],
    ]);
  });

  it('gives a file that is larger than the bound a batch of its own', () => {
    const batches = batchesOf([item('1', 1n), item('2', 100n), item('3', 1n)], BOUNDS);
    expect(batches.map((batch) => batch.map((one) => one.id))).toEqual([['1'], ['2'], ['3']]);
  });

  it('puts two such files together where there are more of them than workers', () => {
    const large = ['1', '2', '3'].map((id) => item(id, 100n));
    expect(idsOf(batchesOf(large.slice(0, 2), BOUNDS))).toEqual(['1', '2']);
    expect(idsOf(batchesOf([...large, item('4', 1n), item('5', 100n)], BOUNDS))).toEqual(['1,2', '3', '4', '5']);
  });

  it('makes no empty batch', () => {
    expect(batchesOf([], BOUNDS)).toEqual([]);
  });
});
