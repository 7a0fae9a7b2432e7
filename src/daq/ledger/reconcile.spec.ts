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
  reasonCode: null,
  updatedAt: new Date(1000),
  isTransferred: false,
  isRecordedOnly: false,
  isCutOff: false,
  ...facts,
});

/** An acquisition that began before the rows came to their end. */
const LOOKER = { host: HOST, startedAt: new Date(0), reprocesses: false, transfers: true };
const LATER = { ...LOOKER, startedAt: new Date(2000) };

describe('reconcile', () => {
  it('makes a first version of a file that nobody has seen', () => {
    expect(reconcile(aFile(), LOOKER, [])).toEqual({ kind: 'new', version: 1, isCutOff: false });
  });

  it('leaves a file alone that is as it was', () => {
    expect(reconcile(aFile(), LOOKER, [aRow()])).toMatchObject({ kind: 'unchanged', ledgerId: '1' });
  });

  it('takes another device number for the same file, since mounts change it', () => {
    expect(reconcile(aFile({ device: 99n }), LOOKER, [aRow()])).toMatchObject({ kind: 'unchanged' });
  });

  it.each([{ sizeBytes: 101n }, { mtimeNs: 6n }, { inode: 8n }])('makes the next version when %o differs', (change) => {
    expect(reconcile(aFile(change), LOOKER, [aRow({ version: 3 })])).toEqual({
      kind: 'new',
      version: 4,
      isCutOff: false,
    });
  });

  it('compares with the newest row of the same source only', () => {
    const rows = [aRow({ id: '2', version: 2, sizeBytes: 200n }), aRow({ id: '1', version: 1 })];
    expect(reconcile(aFile(), LOOKER, rows)).toEqual({ kind: 'new', version: 3, isCutOff: false });
  });

  it.each(['settling', 'queued', 'failed', 'deferred'] as const)('gives a row in %s the new facts', (state) => {
    expect(reconcile(aFile({ sizeBytes: 101n }), LOOKER, [aRow({ state })])).toEqual({
      kind: 'refresh',
      ledgerId: '1',
    });
  });

  it.each(['skipped', 'cancelled'] as const)(
    'remembers that a row which ended as %s may have brought its copy to its name unrecorded',
    (state) => {
      const ended = aRow({ state, reasonCode: 'source-vanished', version: null, isCutOff: true });
      expect(reconcile(aFile({ sizeBytes: 101n }), LOOKER, [ended])).toEqual({
        kind: 'new',
        version: 1,
        isCutOff: true,
      });
    },
  );

  it('forgets it when the copy was recorded after all', () => {
    const done = aRow({ isCutOff: true, isTransferred: true });
    expect(reconcile(aFile({ sizeBytes: 101n }), LOOKER, [done])).toEqual({ kind: 'new', version: 2, isCutOff: false });
  });

  it('looks anew at a deferred row even when the file is back as it was', () => {
    expect(reconcile(aFile(), LOOKER, [aRow({ state: 'deferred' })])).toEqual({ kind: 'refresh', ledgerId: '1' });
  });

  it.each(['transferring', 'verifying', 'cataloguing'] as const)('leaves a row in %s to its worker', (state) => {
    expect(reconcile(aFile({ sizeBytes: 1n }), LOOKER, [aRow({ state })])).toEqual({
      kind: 'busy',
      ledgerId: '1',
      isSame: false,
    });
  });

  it('sends another source of the same destination to be compared', () => {
    const other = aFile({ sourcePath: Buffer.from('/elsewhere/a.h5') });
    expect(reconcile(other, LOOKER, [aRow()])).toEqual({ kind: 'collision' });
    expect(reconcile(aFile(), { ...LOOKER, host: 'another-host' }, [aRow()])).toEqual({ kind: 'collision' });
  });

  it('keeps comparing a source that collided before, whatever it holds now', () => {
    const elsewhere = { sourcePath: Buffer.from('/elsewhere/a.h5') };
    const same = aRow({ ...elsewhere, id: '9', version: null, state: 'skipped', reasonCode: 'same-content' });
    expect(reconcile(aFile({ ...elsewhere, sizeBytes: 300n }), LOOKER, [same, aRow()])).toEqual({ kind: 'collision' });
    const collided = aRow({ ...elsewhere, id: '9', version: null, state: 'quarantined' });
    expect(reconcile(aFile({ ...elsewhere, sizeBytes: 300n }), LOOKER, [collided, aRow()])).toEqual({
      kind: 'adopt',
      ledgerId: '9',
    });
  });

  it('fetches a file again that was cancelled, and one that was left alone once it changes', () => {
    expect(reconcile(aFile(), LOOKER, [aRow({ state: 'cancelled', version: null })])).toEqual({
      kind: 'new',
      version: 1,
      isCutOff: false,
    });
    const skipped = aRow({ state: 'skipped', version: null });
    expect(reconcile(aFile(), LOOKER, [skipped])).toMatchObject({ kind: 'unchanged' });
    expect(reconcile(aFile({ mtimeNs: 9n }), LOOKER, [skipped])).toEqual({ kind: 'new', version: 1, isCutOff: false });
  });

  it.each(['source-vanished', 'other-source-went'])('takes a file anew that was given up as %s', (reasonCode) => {
    const givenUp = aRow({ state: 'skipped', version: null, reasonCode });
    expect(reconcile(aFile(), LOOKER, [givenUp])).toEqual({ kind: 'new', version: 1, isCutOff: false });
  });

  it('lets a later acquisition take a file that a monitor left alone', () => {
    const leftAlone = aRow({ state: 'skipped', version: null, reasonCode: 'existed-before-start' });
    expect(reconcile(aFile(), LOOKER, [leftAlone])).toMatchObject({ kind: 'unchanged' });
    expect(reconcile(aFile(), LATER, [leftAlone])).toEqual({ kind: 'new', version: 1, isCutOff: false });
  });

  it('tries a quarantined file again for a later acquisition, and when it has changed', () => {
    const quarantined = aRow({ state: 'quarantined' });
    expect(reconcile(aFile(), LOOKER, [quarantined])).toMatchObject({ kind: 'unchanged' });
    expect(reconcile(aFile(), LATER, [quarantined])).toEqual({ kind: 'adopt', ledgerId: '1' });
    expect(reconcile(aFile({ mtimeNs: 9n }), LOOKER, [quarantined])).toEqual({ kind: 'adopt', ledgerId: '1' });
  });

  it('takes a file once more for a later acquisition that reprocesses', () => {
    const again = { ...LATER, reprocesses: true };
    expect(reconcile(aFile(), again, [aRow()])).toEqual({ kind: 'new', version: 2, isCutOff: false });
    const reprocessed = aRow({ id: '2', version: null, updatedAt: new Date(3000) });
    expect(reconcile(aFile(), again, [reprocessed, aRow()])).toMatchObject({ kind: 'unchanged', ledgerId: '2' });
    expect(reconcile(aFile(), { ...LOOKER, reprocesses: true }, [aRow()])).toMatchObject({ kind: 'unchanged' });
  });

  it('copies what was only recorded where it lies, for a later acquisition that copies', () => {
    const recorded = aRow({ isRecordedOnly: true });
    expect(reconcile(aFile(), LATER, [recorded])).toEqual({ kind: 'new', version: 2, isCutOff: false });
    expect(reconcile(aFile(), { ...LATER, transfers: false }, [recorded])).toMatchObject({ kind: 'unchanged' });
  });

  it('makes a new version of a file that changed after a plug-in had refused what is in storage', () => {
    const refused = aRow({ state: 'quarantined', isTransferred: true });
    expect(reconcile(aFile({ mtimeNs: 9n }), LOOKER, [refused])).toEqual({ kind: 'new', version: 2, isCutOff: false });
  });
});
