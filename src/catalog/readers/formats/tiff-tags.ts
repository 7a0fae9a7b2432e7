/** Baseline and extension tags that describe an image. Others appear under their number. */
export const TAG_NAMES: Readonly<Record<number, string>> = {
  254: 'NewSubfileType',
  256: 'ImageWidth',
  257: 'ImageLength',
  258: 'BitsPerSample',
  259: 'Compression',
  262: 'PhotometricInterpretation',
  269: 'DocumentName',
  270: 'ImageDescription',
  271: 'Make',
  272: 'Model',
  274: 'Orientation',
  277: 'SamplesPerPixel',
  278: 'RowsPerStrip',
  280: 'MinSampleValue',
  281: 'MaxSampleValue',
  282: 'XResolution',
  283: 'YResolution',
  284: 'PlanarConfiguration',
  285: 'PageName',
  286: 'XPosition',
  287: 'YPosition',
  296: 'ResolutionUnit',
  297: 'PageNumber',
  305: 'Software',
  306: 'DateTime',
  315: 'Artist',
  316: 'HostComputer',
  317: 'Predictor',
  322: 'TileWidth',
  323: 'TileLength',
  338: 'ExtraSamples',
  339: 'SampleFormat',
  340: 'SMinSampleValue',
  341: 'SMaxSampleValue',
  33432: 'Copyright',
};

/** Say where the pixels are, which nobody searches by: strips, tiles and their lengths. */
export const DATA_TAGS: ReadonlySet<number> = new Set([273, 279, 324, 325]);

export const SAMPLE_FORMATS: Readonly<Record<number, string>> = { 1: 'uint', 2: 'int', 3: 'float', 4: 'undefined' };

export const COMPRESSIONS: Readonly<Record<number, string>> = {
  1: 'none',
  2: 'ccitt',
  5: 'lzw',
  6: 'old-jpeg',
  7: 'jpeg',
  8: 'deflate',
  32773: 'packbits',
  32946: 'deflate',
  34712: 'jpeg2000',
  50000: 'zstd',
  50001: 'webp',
};
