import { describe, expect, it } from 'vitest';
import { readBytes } from '../../../../test/support/read-bytes.js';
import { cbfFile, edfFile, imageTags, tiffFile } from '../../../../test/support/sample-images.js';

describe('TIFF', () => {
  it.each([
    ['little', false],
    ['big', false],
    ['little', true],
    ['big', true],
  ] as const)('%s-endian, BigTIFF %s: image, tags and the attributes of EPICS', async (order, isBig) => {
    const { format, raw, complaint } = await readBytes(tiffFile({ order, isBig, images: [imageTags(8, 16)] }), 'a.png');
    expect([format, complaint]).toEqual(['tiff', null]);
    expect(raw).toMatchObject({
      width: 487,
      height: 195,
      frames: 1,
      bitsPerSample: 32,
      sampleFormat: 'int',
      compression: 'none',
      software: 'TIFF Software',
      dateTime: '2026:11:20 08:15:30',
      header: { Exposure_time: { value: 0.0975, unit: 's' }, Threshold_setting: { value: 4024, unit: 'eV' } },
      attributes: {
        NDTimeStamp: 1_048_576.25,
        NDUniqueId: 7,
        AcquireTime: 0.1,
        ColorMode: 0,
        CameraModel: 'Pilatus 100K: rev 2',
      },
    });
    expect(raw['tags']).toMatchObject({ ImageWidth: 487, SampleFormat: 2 });
    expect(raw['tags']).not.toHaveProperty('273');
  });

  it('counts its images', async () => {
    const { raw } = await readBytes(tiffFile({ images: [imageTags(8, 1), imageTags(8, 1), imageTags(8, 1)] }));
    expect(raw['frames']).toBe(3);
  });

  it.each([
    ['pixels that are missing', tiffFile({ images: [imageTags(8, 1_000_000)] }), /truncated: .* byte 1000008/],
    ['a circle of images', tiffFile({ images: [imageTags(8, 1)], lastNext: 8 }), /in a circle/],
    ['a next image outside', tiffFile({ images: [imageTags(8, 1)], lastNext: 99_999 }), /After 1 images: .* 99999/],
    ['no image', Buffer.from('II*\0\0\0\0\0'), /no image directory at byte 0/],
    ['half a directory', tiffFile({ images: [imageTags(8, 1)] }).subarray(0, 60), /ends within the image directory/],
  ])('complains of %s', async (_what, bytes, complaint) => {
    const found = await readBytes(bytes);
    expect([found.format, found.isReaderBroken]).toEqual(['tiff', false]);
    expect(found.complaint).toMatch(complaint);
  });
});

describe('CBF', () => {
  it('the header of the detector and of the binary section', async () => {
    const { format, raw, complaint } = await readBytes(cbfFile());
    expect([format, complaint]).toEqual(['cbf', null]);
    expect(raw).toMatchObject({ convention: 'PILATUS_1.2', dataBlock: 'image_00001', width: 487, height: 619 });
    expect(raw['elementType']).toBe('signed 32-bit integer');
    expect(raw['compression']).toBe('x-CBF_BYTE_OFFSET');
    expect(raw['header']).toEqual({
      Detector: 'PILATUS 300K, S/N 3-0101',
      timestamp: '2026-11-20T08:15:30.208',
      Pixel_size: '172e-6 m x 172e-6 m',
      Exposure_time: { value: 0.0975, unit: 's' },
      Tau: { value: 383.8e-9, unit: 's' },
      Count_cutoff: { value: 1_077_896, unit: 'counts' },
      N_excluded_pixels: 20,
      Wavelength: { value: 1.5419, unit: 'A' },
      Beam_xy: '(243.50, 309.50) pixels',
      Angle_increment: { value: 0.1, unit: 'deg' },
      Run: '007',
    });
  });

  it('items of a full CBF', async () => {
    const { raw, complaint } = await readBytes('###CBF: VERSION 1.1\ndata_x\n_diffrn.id DS1\n_diffrn.temp 80.5\n');
    expect(raw['items']).toEqual({ 'diffrn.id': 'DS1', 'diffrn.temp': 80.5 });
    expect(complaint).toMatch(/no binary section/);
  });

  it('complains of pixels that are missing', async () => {
    expect((await readBytes(cbfFile(5000, 100))).complaint).toMatch(
      /^The file is truncated: its image reaches to byte/,
    );
    expect((await readBytes(cbfFile().subarray(0, 800))).complaint).toMatch(/ends before its image begins|no binary/);
  });
});

describe('EDF', () => {
  it('the first header with motors and counters, and the number of frames', async () => {
    const { format, raw, complaint } = await readBytes(edfFile(3));
    expect([format, complaint]).toEqual(['edf', null]);
    expect(raw).toMatchObject({
      width: 4,
      height: 3,
      frames: 3,
      dataType: 'UnsignedShort',
      motors: { sx: 1.25, sy: -3, energy: 12.4 },
      counters: { ic0: 1200 },
    });
    expect(raw['header']).toMatchObject({ count_time: 0.5, title: 'scan 3' });
  });

  it('complains of a frame that is not complete', async () => {
    const { raw, complaint } = await readBytes(edfFile(2).subarray(0, -5));
    expect(complaint).toMatch(/^The file is truncated: frame 2 /);
    expect(raw['frames']).toBe(1);
  });
});
