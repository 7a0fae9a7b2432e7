import { SeededRandom } from './random.js';
import { type FrameSize, scatteringFrame } from './scattering-frame.js';

export interface TiffFileOptions {
  seed: number;
  description: string;
  takenAt: Date;
  /** Pixels. Default 160 × 120. */
  size?: FrameSize;
}

type Value = { kind: 'short' | 'long'; value: number } | { kind: 'ascii'; text: string };

const KIND = { ascii: { code: 2, bytes: 1 }, short: { code: 3, bytes: 2 }, long: { code: 4, bytes: 4 } } as const;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/** A baseline TIFF 6.0 image, little-endian: one uncompressed strip of 16-bit grayscale, as most cameras write them. */
export function tiffFile(options: TiffFileOptions): Buffer {
  const size = options.size ?? { width: 160, height: 120 };
  const frame = scatteringFrame(new SeededRandom(options.seed), size, 800);
  const pixels = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const tags = tagsOf(options, size, pixels.length);
  const directoryAt = HEADER_BYTES + pixels.length;

  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(directoryAt, 4);
  return Buffer.concat([header, pixels, directory(tags, directoryAt)]);
}

/** Tags must stand in ascending order. */
function tagsOf(options: TiffFileOptions, size: FrameSize, stripBytes: number): [tag: number, value: Value][] {
  const takenAt = options.takenAt.toISOString().slice(0, 19).replaceAll('-', ':').replace('T', ' ');
  return [
    [256, { kind: 'long', value: size.width }],
    [257, { kind: 'long', value: size.height }],
    [258, { kind: 'short', value: 16 }], // BitsPerSample
    [259, { kind: 'short', value: 1 }], // Compression: none
    [262, { kind: 'short', value: 1 }], // PhotometricInterpretation: black is zero
    [270, { kind: 'ascii', text: options.description }],
    [273, { kind: 'long', value: HEADER_BYTES }], // StripOffsets
    [277, { kind: 'short', value: 1 }], // SamplesPerPixel
    [278, { kind: 'long', value: size.height }], // RowsPerStrip
    [279, { kind: 'long', value: stripBytes }],
    [305, { kind: 'ascii', text: 'DM Station detector player' }],
    [306, { kind: 'ascii', text: takenAt }],
  ];
}

function directory(tags: readonly [tag: number, value: Value][], directoryAt: number): Buffer {
  const table = Buffer.alloc(2 + tags.length * ENTRY_BYTES + 4);
  table.writeUInt16LE(tags.length, 0);
  const outside: Buffer[] = [];
  let outsideAt = directoryAt + table.length;
  for (const [index, [tag, value]] of tags.entries()) {
    const at = 2 + index * ENTRY_BYTES;
    const bytes = bytesOf(value);
    table.writeUInt16LE(tag, at);
    table.writeUInt16LE(KIND[value.kind].code, at + 2);
    table.writeUInt32LE(bytes.length / KIND[value.kind].bytes, at + 4);
    if (bytes.length <= 4) {
      bytes.copy(table, at + 8);
    } else {
      table.writeUInt32LE(outsideAt, at + 8);
      outside.push(bytes);
      outsideAt += bytes.length;
    }
  }
  return Buffer.concat([table, ...outside]);
}

function bytesOf(value: Value): Buffer {
  switch (value.kind) {
    case 'short': {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16LE(value.value);
      return bytes;
    }
    case 'long': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value.value);
      return bytes;
    }
    case 'ascii': {
      const bytes = Buffer.from(`${value.text}\0`, 'latin1');
      // Values begin on even offsets, says the specification.
      return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(0)]);
    }
  }
}
