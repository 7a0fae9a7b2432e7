import { describe, expect, it } from 'vitest';
import { realFile } from '../../../../test/support/real-files.js';
import type { FileFormat, RawTree } from '../metadata-readers.port.js';
import { detectFormat } from './detect-format.js';
import { FileSource } from './file-source.js';
import { readFormat } from './read-format.js';

interface Found {
  format: FileFormat | null;
  raw: RawTree;
  complaint: string | null;
}

async function read(name: string): Promise<Found> {
  const source = FileSource.open(realFile(name) ?? '');
  try {
    const format = detectFormat(source, name);
    const reading = format === null ? undefined : await readFormat(format, source);
    return { format, raw: reading?.raw ?? {}, complaint: reading?.complaint ?? null };
  } finally {
    source.close();
  }
}

/** What stands at a path of keys, which may hold dots. */
function at(tree: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], tree);
}

describe('metadata of real files', () => {
  const real = (name: string) => it.runIf(realFile(name) !== undefined);

  real('AgBehenate_228.hdf5')('an EPICS area detector frame', async () => {
    const { format, raw, complaint } = await read('AgBehenate_228.hdf5');
    expect([format, complaint]).toEqual(['hdf5', null]);
    expect(raw['@creator']).toBe('areaDetector NDFileNexus plugin v0.2');
    expect(at(raw, '@nexus', 'entries', 0, 'path')).toBe('/entry');
    const data = at(raw, 'entry', 'data', 'data') as RawTree;
    expect(data['shape']).toEqual([195, 487]);
    expect(data).not.toHaveProperty('value');
  });

  real('S16_GlassyCarbon_M4.h5')('a USAXS fly scan', async () => {
    const { raw, complaint } = await read('S16_GlassyCarbon_M4.h5');
    expect(complaint).toBeNull();
    expect(raw['@default']).toBe('entry');
    expect(at(raw, 'entry', '@default')).toBe('flyScan');
    expect(at(raw, '@nexus', 'data', 0)).toMatchObject({ path: '/entry/flyScan', signal: 'mca3', shape: [7999] });
    expect(at(raw, 'entry', 'title', 'value')).toEqual(['GlassyCarbon_M4']);
  });

  real('538039.nxs')('a scan whose frames are external links', async () => {
    const { raw, complaint } = await read('538039.nxs');
    expect(complaint).toBeNull();
    const link = {
      link: 'external',
      file: '538039-pilatus100k-files/538039.hdf',
      path: '/entry/instrument/detector/data',
    };
    expect(at(raw, 'entry1', 'pil100k', 'data')).toEqual(link);
    expect(at(raw, '@nexus', 'externalLinks')).toHaveLength(2);
    expect(at(raw, 'entry1', '@NX_class')).toBe('NXentry');
    expect(at(raw, 'entry1', 'before_scan', 'diffractometer_sample', 'en', 'value')).toEqual([5.22300041671]);
  });

  real('Therm_6_2.nxs')('an NXmx master file with a virtual data set', async () => {
    const { raw, complaint } = await read('Therm_6_2.nxs');
    expect(complaint).toBeNull();
    expect(at(raw, '@nexus', 'entries', 0, 'definition')).toBe('NXmx');
    expect(at(raw, '@nexus', 'data', 0)).toEqual({
      path: '/entry/data',
      signal: 'data',
      axes: ['omega'],
      shape: [488, 4362, 4148],
    });
    expect(at(raw, 'entry', 'data', 'data', 'virtualSources', 0, 'file')).toMatch(/Therm_6_2_000001\.h5|\./);
    expect(at(raw, 'entry', 'data', 'data')).not.toHaveProperty('value');
  });

  real('p45-1168.nxs')('a scan with a file of its own for each detector', async () => {
    const { raw, complaint } = await read('p45-1168.nxs');
    expect(complaint).toBeNull();
    expect(at(raw, '@nexus', 'data', 0)).toMatchObject({
      path: '/entry/mic',
      signal: 'data',
      axes: ['stagey_value_set', 'stagex_value_set', '.', '.'],
    });
  });

  real('Focus_2021-03-16_051.hdf5')('an HDF5 file behind a user block', async () => {
    const { format, raw, complaint } = await read('Focus_2021-03-16_051.hdf5');
    expect([format, complaint]).toEqual(['hdf5', null]);
    expect(raw['@hdf5']).toEqual({ superblockVersion: 0, userBlockBytes: 32_768 });
    expect(at(raw, '@nexus', 'entries', 0, 'definition')).toBe('NXstxm');
    expect(at(raw, 'entry1', 'counter0', 'energy')).toMatchObject({ type: 'float64', '@units': expect.any(String) });
  });

  it('a NeXus file that lacks half of its entry', async () => {
    const { raw, complaint } = await read('ID34_not_complete.h5');
    expect(complaint).toBeNull();
    expect(at(raw, 'entry1', 'microDiffraction', 'source', 'distance')).toEqual({
      type: 'float64',
      shape: [1],
      value: [65],
      '@units': 'm',
    });
    expect(at(raw, '@nexus', 'data', 0)).toEqual({ path: '/entry1/data', signal: 'data', shape: [100, 60] });
  });

  it("the NeXus manual's smallest example", async () => {
    const { raw } = await read('writer_1_3.h5');
    expect(at(raw, '@nexus', 'data')).toEqual([
      { path: '/Scan/data', signal: 'counts', axes: ['two_theta'], shape: [31] },
    ]);
    expect(at(raw, 'Scan', 'data', 'two_theta', '@units')).toBe('degrees');
    expect(at(raw, 'Scan', 'data', 'counts', 'value', 0)).toBe(1037);
  });

  it('MDA: a mesh with its positioners', async () => {
    const { format, raw, complaint } = await read('mts_0347.mda');
    expect([format, complaint]).toEqual(['mda', null]);
    expect(raw).toMatchObject({ version: 1.3, scanNumber: 347, rank: 2, dimensions: [41, 21], isRegular: true });
    expect(at(raw, 'pvs', 'mts:scaler1.TP')).toEqual({ value: 20, unit: '', description: '' });
    expect(at(raw, 'scans', 0)).toMatchObject({ rank: 2, name: 'mts:scan2', points: 41, requestedPoints: 41 });
    expect(at(raw, 'scans', 1, 'positioners')).toEqual([
      {
        name: 'mts:m1.VAL',
        description: 'x-axis',
        stepMode: 'LINEAR',
        unit: 'mm',
        readback: 'mts:m1.RBV',
        readbackDescription: 'x-axis',
        readbackUnit: 'mm',
        first: -5,
        last: 5,
      },
    ]);
    expect(at(raw, 'scans', 1, 'triggers', 0, 'name')).toBe('mts:scaler2');
  });

  it('MDA: one positioner with its read-back, and values of all types', async () => {
    const { raw: slit } = await read('14BMC_0015.mda');
    expect(at(slit, 'scans', 0)).toMatchObject({ name: '14BMC:scan1', time: 'JAN 27, 2005 16:55:46.058496954' });
    expect(at(slit, 'scans', 0, 'positioners', 0)).toMatchObject({ unit: 'mm', readback: '14BMC:hsy.RBV' });
    const { raw } = await read('sample1.mda');
    expect(at(raw, 'pvs', 'xxx:SR_double_array', 'value')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(at(raw, 'pvs', 'xxx:saveData_fileSystem', 'value')).toBe('D:/data');
  });

  real('APS_spec_data.dat')('SPEC: scans with motors and beamline values', async () => {
    const { format, raw, complaint } = await read('APS_spec_data.dat');
    expect([format, complaint]).toEqual(['spec', null]);
    expect(raw).toMatchObject({ file: '11_03_Vinod.dat', epoch: 1_288_809_574, user: 's15usaxs' });
    expect(raw['scans']).toHaveLength(20);
    const scan = at(raw, 'scans', 0) as RawTree;
    expect(scan).toMatchObject({ number: 1, points: 31, countTime: { value: 0.3, unit: 's' } });
    expect(scan['command']).toBe('ascan  mr 15.6102 15.6052  30 0.3');
    expect(at(scan, 'motors', 'USAXS.a2rp')).toBe(3.21);
    expect(at(scan, 'metadata', 'DCM_energy')).toBe(12);
    expect(at(scan, 'metadata', 'sampleYstep')).toBeNull(); // an empty value at the end of its line
  });

  it('SPEC: scans that were aborted', async () => {
    const { raw, complaint } = await read('user6idd.dat');
    expect(complaint).toBeNull();
    expect(at(raw, 'scans', 0)).toMatchObject({ number: 1, points: 0, isAborted: true });
    expect(at(raw, 'scans', 0, 'labels', 2)).toBe('DelTime');
    expect(at(raw, 'scans', 0, 'motors', 'm2_z')).toBe(2.8633327e-5);
    expect(at(raw, 'scans', 0, 'other', 'UE')).toMatch(/^100\.339 .*Energy in keV/);
  });

  it('SPEC: a damaged scan is complained of, and its other facts are kept', async () => {
    const { raw, complaint } = await read('test_3_error.spec');
    expect(complaint).toMatch(/^Scan 1: its #UXML lines .*text within <group name="attenuator_set">\.$/);
    expect(at(raw, 'scans', 0, 'uxml', 'ad_detector', 'threshold_energy')).toEqual({
      '@type': 'float',
      '@units': 'keV',
      value: 8,
    });
    expect(at(raw, 'scans', 0, 'metadata', 'SR_topUp')).toBeNull(); // empty between four blanks
    expect(at(raw, 'scans', 0, 'metadata', 'barometer_mbar')).toBe(983.277);
    expect(at(raw, 'scans', 0, 'points')).toBe(10);
  });
});
