import { describe, expect, it } from 'vitest';
import type { KnownRow, SeenFile } from './ledger-row.js';
import { reconcile } from './reconcile.js';

const HOST = 'detector';

const aFile = (facts: Partial<SeenFile> = {}): SeenFile => ({
  sourcePath: Buffer.from('/src/a.h5'),
  destinationPath: Buffer.from('data/a.h5'),
  device: 1n,
  inode: 7n,
  sizeBytes: 100n,
  mtimeNs: 5n,
  ...facts,
});

const aRow = (facts: Partial<KnownRow> = {}): KnownRow => ({
  id: '1',
  acquisitionId: 'acq',
  version: 1,
  sourceHost: HOST,
  sourcePath: Buffer.from('/src/a.h5'),
  inode: 7n,
  sizeBytes: 100n,
  mtimeNs: 5n,
  state: 'done',
  ...facts,
});

describe('reconcile', () => {
  it('makes a first version of a file that nobody has seen', () => {
    expect(reconcile(aFile(), HOST, [])).toEqual({ kind: 'new', version: 1 });
  });

  it('leaves a file alone that is as it was', () => {
    expect(reconcile(aFile(), HOST, [aRow()])).toMatchObject({ kind: 'unchanged', ledgerId: '1' });
  });

  it('takes another device number for the same file, since mounts change it', () => {
    expect(reconcile(aFile({ device: 99n }), HOST, [aRow()])).toMatchObject({ kind: 'unchanged' });
  });

  it.each([{ sizeBytes: 101n }, { mtimeNs: 6n }, { inode: 8n }])('makes the next version when %o differs', (change) => {
    expect(reconcile(aFile(change), HOST, [aRow({ version: 3 })])).toEqual({ kind: 'new', version: 4 });
  });

  it('compares with the newest row of the same source only', () => {
    const rows = [aRow({ id: '2', version: 2, sizeBytes: 200n }), aRow({ id: '1', version: 1 })];
    expect(reconcile(aFile(), HOST, rows)).toEqual({ kind: 'new', version: 3 });
  });

  it.each(['settling', 'queued', 'failed', 'deferred'] as const)('gives a row in %s the new facts', (state) => {
    expect(reconcile(aFile({ sizeBytes: 101n }), HOST, [aRow({ state })])).toEqual({ kind: 'refresh', ledgerId: '1' });
  });

  it('looks anew at a deferred row even when the file is back as it was', () => {
    expect(reconcile(aFile(), HOST, [aRow({ state: 'deferred' })])).toEqual({ kind: 'refresh', ledgerId: '1' });
  });

  it.each(['transferring', 'verifying', 'cataloguing'] as const)('leaves a row in %s to its worker', (state) => {
    expect(reconcile(aFile({ sizeBytes: 1n }), HOST, [aRow({ state })])).toEqual({ kind: 'busy', ledgerId: '1' });
  });

  it('sends another source of the same destination to be compared', () => {
    const other = aFile({ sourcePath: Buffer.from('/elsewhere/a.h5') });
    expect(reconcile(other, HOST, [aRow()])).toEqual({ kind: 'collision' });
    expect(reconcile(aFile(), 'another-host', [aRow()])).toEqual({ kind: 'collision' });
  });

  it('keeps comparing a source that collided before, whatever it holds now', () => {
    const collided = aRow({ id: '9', sourcePath: Buffer.from('/elsewhere/a.h5'), version: null, state: 'quarantined' });
    const again = aFile({ sourcePath: Buffer.from('/elsewhere/a.h5'), sizeBytes: 300n });
    expect(reconcile(again, HOST, [collided, aRow()])).toEqual({ kind: 'collision' });
  });

  it('fetches a file again that was cancelled, and one that was left alone once it changes', () => {
    expect(reconcile(aFile(), HOST, [aRow({ state: 'cancelled', version: null })])).toEqual({
      kind: 'new',
      version: 1,
    });
    const skipped = aRow({ state: 'skipped', version: null });
    expect(reconcile(aFile(), HOST, [skipped])).toMatchObject({ kind: 'unchanged' });
    expect(reconcile(aFile({ mtimeNs: 9n }), HOST, [skipped])).toEqual({ kind: 'new', version: 1 });
  });
});
