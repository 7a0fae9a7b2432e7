import { describe, expect, it } from 'vitest';
import { batchesOf } from './work-batches.js';

const item = (id: string, sizeBytes: bigint) => ({ id, sizeBytes });

describe('batchesOf', () => {
  it('bounds a batch in number and in bytes and keeps the order', () => {
    const items = [item('1', 4n), item('2', 4n), item('3', 4n), item('4', 1n), item('5', 1n)];
    const batches = batchesOf(items, 3, 8);
    expect(batches.map((batch) => batch.map((one) => one.id))).toEqual([
      ['1', '2'],
      ['3', '4', '5'],
    ]);
  });

  it('gives a file that is larger than the bound a batch of its own', () => {
    const batches = batchesOf([item('1', 1n), item('2', 100n), item('3', 1n)], 10, 8);
    expect(batches.map((batch) => batch.map((one) => one.id))).toEqual([['1'], ['2'], ['3']]);
  });

  it('makes no empty batch', () => {
    expect(batchesOf([], 10, 8)).toEqual([]);
  });
});
