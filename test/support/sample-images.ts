/** A tag of a TIFF: its number, its type (2 text, 3 and 4 integers, 12 double), its values. */
export type TiffTag = [tag: number, type: 2 | 3 | 4 | 12, value: string | readonly number[]];

export interface TiffOptions {
  order?: 'little' | 'big';
  isBig?: boolean;
  /** One list of tags for each image. */
  images: TiffTag[][];
  /** Where the last directory points to: 0 ends the file as it should. */
  lastNext?: number;
}

const SIZES = { 2: 1, 3: 2, 4: 4, 12: 8 } as const;

/** A TIFF or BigTIFF with these tags; pixels stand where the caller's tags say, which is not looked at here. */
export function tiffFile({ order = 'little', isBig = false, images, lastNext = 0 }: TiffOptions): Buffer {
  const isLittle = order === 'little';
  const uint = (value: number, size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUIntLE(value, 0, Math.min(size, 6));
    return isLittle ? bytes : bytes.reverse();
  };
  const double = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return isLittle ? bytes : bytes.reverse();
  };
  const encode = ([, type, value]: TiffTag) =>
    typeof value === 'string'
      ? Buffer.from(`${value}\0`)
      : Buffer.concat(value.map((number) => (type === 12 ? double(number) : uint(number, SIZES[type]))));
  const offsetSize = isBig ? 8 : 4;
  const headSize = isBig ? 16 : 8;
  const directorySize = (tags: TiffTag[]) => (isBig ? 8 + tags.length * 20 : 2 + tags.length * 12) + offsetSize;
  const parts: Buffer[] = [
    Buffer.from(isLittle ? 'II' : 'MM'),
    uint(isBig ? 43 : 42, 2),
    ...(isBig ? [uint(8, 2), uint(0, 2)] : []),
    uint(headSize, offsetSize),
  ];
  let at = headSize;
  images.forEach((tags, index) => {
    const outside: Buffer[] = [];
    let outsideAt = at + directorySize(tags);
    parts.push(uint(tags.length, isBig ? 8 : 2));
    for (const tag of tags) {
      const value = encode(tag);
      parts.push(uint(tag[0], 2), uint(tag[1], 2), uint(value.length / SIZES[tag[1]], offsetSize));
      if (value.length <= offsetSize) {
        parts.push(value, Buffer.alloc(offsetSize - value.length));
      } else {
        parts.push(uint(outsideAt, offsetSize));
        outside.push(value);
        outsideAt += value.length;
      }
    }
    at = outsideAt;
    parts.push(uint(index === images.length - 1 ? lastNext : at, offsetSize), ...outside);
  });
  return Buffer.concat(parts);
}

/** The tags of an area detector's image whose pixels lie at `dataAt`. */
export function imageTags(dataAt: number, dataBytes: number): TiffTag[] {
  return [
    [256, 4, [487]],
    [257, 4, [195]],
    [258, 3, [32]],
    [259, 3, [1]],
    [270, 2, '# Pixel_size 172e-6 m x 172e-6 m\n# Exposure_time 0.097500 s\n# Threshold_setting: 4024 eV\n'],
    [273, 4, [dataAt]],
    [279, 4, [dataBytes]],
    [305, 2, 'TIFF Software'],
    [306, 2, '2026:11:20 08:15:30'],
    [339, 3, [2]],
    [65_000, 12, [1_048_576.25]],
    [65_001, 4, [7]],
    [65_010, 2, 'AcquireTime:0.1'],
    [65_011, 2, 'ColorMode:0'],
    [65_012, 2, 'CameraModel:Pilatus 100K: rev 2'],
  ];
}

/** A miniCBF of a Pilatus with so many bytes of pixels, of which `present` are there. */
export function cbfFile(dataBytes = 100, present = dataBytes): Buffer {
  const header = [
    '###CBF: VERSION 1.5, CBFlib v0.7.8 - SLS/DECTRIS PILATUS detectors',
    '',
    'data_image_00001',
    '',
    '_array_data.header_convention "PILATUS_1.2"',
    '_array_data.header_contents',
    ';',
    '# Detector: PILATUS 300K, S/N 3-0101',
    '# 2026-11-20T08:15:30.208',
    '# Pixel_size 172e-6 m x 172e-6 m',
    '# Exposure_time 0.097500 s',
    '# Tau = 383.8e-09 s',
    '# Count_cutoff 1077896 counts',
    '# N_excluded_pixels = 20',
    '# Wavelength 1.5419 A',
    '# Beam_xy (243.50, 309.50) pixels',
    '# Angle_increment 0.1000 deg.',
    '# Run 007',
    ';',
    '',
    '_array_data.data',
    ';',
    '--CIF-BINARY-FORMAT-SECTION--',
    'Content-Type: application/octet-stream;',
    '     conversions="x-CBF_BYTE_OFFSET"',
    'Content-Transfer-Encoding: BINARY',
    `X-Binary-Size: ${dataBytes}`,
    'X-Binary-ID: 1',
    'X-Binary-Element-Type: "signed 32-bit integer"',
    'X-Binary-Size-Fastest-Dimension: 487',
    'X-Binary-Size-Second-Dimension: 619',
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(header), Buffer.of(0x0c, 0x1a, 0x04, 0xd5), Buffer.alloc(present, 1)]);
}

/** An EDF with so many frames of 4 × 3 unsigned 16-bit pixels. */
export function edfFile(frames = 1): Buffer {
  const frame = Array.from({ length: frames }, (_, index) => {
    const text = [
      '{',
      `HeaderID = EH:${String(index + 1).padStart(6, '0')}:000000:000000 ;`,
      'ByteOrder = LowByteFirst ;',
      'DataType = UnsignedShort ;',
      'Dim_1 = 4 ;',
      'Dim_2 = 3 ;',
      'Size = 24 ;',
      'count_time = 0.5 ;',
      'motor_mne = sx sy energy ;',
      'motor_pos = 1.25 -3 12.4 ;',
      'counter_mne = ic0 ;',
      'counter_pos = 1200 ;',
      'title = scan 3; ',
    ].join('\n');
    const length = Math.ceil((text.length + 2) / 512) * 512;
    return Buffer.concat([Buffer.from(`${text.padEnd(length - 2)}}\n`), Buffer.alloc(24, index)]);
  });
  return Buffer.concat(frame);
}
