import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realFile } from '../../../../../test/support/real-files.js';
import { FileSource } from '../file-source.js';
import { SandboxedHdf5 } from './sandboxed-hdf5.js';

describe(SandboxedHdf5, () => {
  let directory: string;
  let hdf5: SandboxedHdf5;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'dm-sandbox-'));
    hdf5 = await SandboxedHdf5.load();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('has the one file in it, and none of the machine', () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'x');
    const exists = (path: string) => hdf5.library.FS.analyzePath(path).exists;
    const source = FileSource.open(realFile('writer_1_3.h5') ?? '');
    const [inside, within] = hdf5.with(source, (path) => [path, [path, secret, '/etc/passwd'].map(exists)] as const);
    source.close();
    expect(within).toEqual([true, false, false]);
    expect(exists(inside)).toBe(false);
  });

  it('cannot write to the file', () => {
    const source = FileSource.open(realFile('writer_1_3.h5') ?? '');
    const { library } = hdf5;
    const opened = hdf5.with(source, (path) => library.open(path, library.H5F_ACC_RDWR));
    source.close();
    expect(opened).toBeLessThan(0n);
  });

  it('tells why the library refuses a file', () => {
    const path = join(directory, 'noise');
    writeFileSync(path, Buffer.alloc(1000, 7));
    const source = FileSource.open(path);
    hdf5.with(source, (inside) => hdf5.library.open(inside, hdf5.library.H5F_ACC_RDONLY));
    source.close();
    expect(hdf5.reason()).toMatch(/signature/);
  });
});
