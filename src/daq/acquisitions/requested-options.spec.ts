import { describe, expect, it } from 'vitest';
import { anAcquisition } from '../../../test/support/acquisition.js';
import { bodyOf, optionsOf, requireFitting } from './requested-options.js';

const DEFAULTS = { username: 'somebody', daq: { quietSeconds: 1, temporaryNames: ['*.other'] } };

/** Options as one acquisition recorded them, and as the one records them that takes its work up. */
function resumed(kind: 'upload' | 'monitor', asked: Record<string, unknown>) {
  const ended = anAcquisition({ kind, destinationDirectory: Buffer.from('analysis/x/y') }, asked);
  const body = bodyOf(ended, 'e1');
  requireFitting(body);
  const again = optionsOf(body, { ...DEFAULTS, destinations: body.destinations ?? ['default'] });
  return { ended, body, again };
}

describe(bodyOf, () => {
  it.each([
    ['upload', { includePatterns: ['*.h5'] }],
    ['upload', { excludePatterns: ['dark/*'] }],
    ['upload', { includeFileExtensions: ['h5'] }],
    ['upload', { excludeFileExtensions: 'tmp,log' }],
    ['upload', { onlyFiles: ['b.h5', 'a.h5'] }],
    ['upload', { experimentFilePath: 'a.h5', onlyFiles: ['b.h5'] }],
    ['upload', { processHidden: true }],
    ['monitor', { processExisting: true }],
    ['monitor', { durationSeconds: 90 }],
    ['upload', { quietSeconds: 0 }],
    ['upload', { quietSeconds: 86_400 }],
    ['upload', { settle: { rule: 'marker', marker: '{name}.done' } }],
    ['upload', { settle: { rule: 'size', sizeFile: '{name}.size', minBytes: 10 } }],
    ['upload', { settle: { rule: 'rename', temporaryNames: ['*.filepart'], emptyQuietSeconds: 7 } }],
    ['monitor', { silenceAlarmSeconds: 0 }],
    ['upload', { metadata: { sample: 'AgBeh', none: null, nested: { a: [1] } } }],
    ['upload', { skipPlugins: ['webhook'], skipCatalog: true }],
    ['upload', { destinations: [] }],
    ['upload', { destinations: ['tape'] }],
    ['upload', { skipTransfer: true }],
    ['upload', { skipChecksum: true }],
    ['upload', { reprocessFiles: true }],
    ['upload', { processingMode: 'directory' }],
    ['upload', { removeSourceFiles: true }],
    ['monitor', { uploadDataDirectoryOnExit: '/logs', uploadDestDirectoryOnExit: 'logs' }],
    ['upload', { workflow: { owner: 'ruth', name: 'fit', args: { width: 3 }, jobOwner: 'ann' } }],
  ] as const)('keeps what an %s was asked for: %j', (kind, asked) => {
    const { ended, again } = resumed(kind, asked);
    expect(again).toEqual(ended.options);
  });

  it('keeps as many single files as can be asked for', () => {
    const onlyFiles = Array.from({ length: 1000 }, (_, at) => `${at}.h5`);
    const { again } = resumed('upload', { experimentFilePath: 'a.h5', onlyFiles });
    expect(again.onlyFiles).toEqual([...onlyFiles, 'a.h5']);
  });

  it('keeps where files come from and go to', () => {
    expect(resumed('upload', {}).body).toMatchObject({
      kind: 'upload',
      experiment: 'e1',
      dataDirectory: '/detector/e1',
      useAnalysisDirectoryAsRoot: true,
      destDirectory: 'x/y',
    });
  });

  it('takes up an older record, whose empty files were to wait for longer than anybody may ask', () => {
    const older = anAcquisition({}, { quietSeconds: 40_000 });
    older.options.settle.emptyQuietSeconds = 160_000;
    expect(bodyOf(older, 'e1').settle?.emptyQuietSeconds).toBe(86_400);
  });

  it('says which option of a record cannot be asked for any more', () => {
    const older = anAcquisition();
    older.options.excludePatterns = Array.from({ length: 101 }, () => '*.log');
    expect(() => bodyOf(older, 'e1')).toThrow(
      expect.objectContaining({
        code: 'RESUME_NOT_POSSIBLE',
        message: expect.stringContaining('excludePatterns') as string,
      }) as Error,
    );
  });

  it('leaves out of an older record of an upload what had no effect', () => {
    const older = anAcquisition();
    Object.assign(older.options, { processExisting: true, durationSeconds: 60 });
    expect(() => requireFitting(bodyOf(older, 'e1'))).not.toThrow();
  });
});
