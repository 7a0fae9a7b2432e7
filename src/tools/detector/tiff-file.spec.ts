import { describe, expect, it } from 'vitest';
import { tiffFile } from './tiff-file.js';

const takenAt = new Date('2026-11-21T08:15:00Z');

/** Reads the tags of a little-endian TIFF as the specification says, independent of the writer. */
function tagsOf(file: Buffer): Map<number, number | string> {
  expect(file.toString('latin1', 0, 4)).toBe('II*\0');
  const directoryAt = file.readUInt32LE(4);
  const tags = new Map<number, number | string>();
  for (let index = 0; index < file.readUInt16LE(directoryAt); index++) {
    const at = directoryAt + 2 + index * 12;
    const [tag, kind, count] = [file.readUInt16LE(at), file.readUInt16LE(at + 2), file.readUInt32LE(at + 4)];
    if (kind === 2) {
      const textAt = count > 4 ? file.readUInt32LE(at + 8) : at + 8;
      tags.set(tag, file.toString('latin1', textAt, textAt + count).replace(/\0+$/, ''));
    } else {
      tags.set(tag, kind === 3 ? file.readUInt16LE(at + 8) : file.readUInt32LE(at + 8));
    }
  }
  return tags;
}

describe(tiffFile, () => {
  const file = tiffFile({ seed: 1, description: 'frame 1, x=2', takenAt, size: { width: 32, height: 16 } });
  const tags = tagsOf(file);

  it('describes a 16-bit grayscale image without compression', () => {
    expect(Object.fromEntries(tags)).toMatchObject({ 256: 32, 257: 16, 258: 16, 259: 1, 262: 1, 277: 1, 278: 16 });
    expect(tags.get(270)).toBe('frame 1, x=2');
    expect(tags.get(306)).toBe('2026:11:21 08:15:00');
  });

  it('has its pixels where the strip says: a beam stop without counts, rings with many', () => {
    const [stripAt, stripBytes] = [Number(tags.get(273)), Number(tags.get(279))];
    expect(stripBytes).toBe(32 * 16 * 2);
    const strip = file.subarray(stripAt, stripAt + stripBytes);
    const pixels = Array.from({ length: 32 * 16 }, (_, index) => strip.readUInt16LE(index * 2));
    expect(pixels[8 * 32 + 16]).toBe(0);
    expect(Math.max(...pixels)).toBeGreaterThan(200);
  });

  it('lists its tags in ascending order, which strict readers ask for', () => {
    const order = [...tags.keys()];
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('gives the same bytes for the same seed', () => {
    expect(
      tiffFile({ seed: 1, description: 'd', takenAt }).equals(tiffFile({ seed: 1, description: 'd', takenAt })),
    ).toBe(true);
  });
});
