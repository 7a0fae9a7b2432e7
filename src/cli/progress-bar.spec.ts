import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProgressBar, progressLine } from './progress-bar.js';

const half = {
  filesDone: 1,
  filesTotal: 1000,
  isTotalKnown: true,
  bytesDone: 500_000_000,
  bytesTotal: 1_000_000_000,
  bytesLeft: 400_000_000,
  note: '',
};

describe(progressLine, () => {
  it('counts bytes for the bar, and tells files, rate and what is left', () => {
    expect(progressLine(half, 100_000_000)).toBe(
      '[############------------]  50 %  1/1,000 files  500 MB/1.0 GB  100 MB/s  4 s left',
    );
  });
  it('counts files where all of them are empty', () => {
    const empty = { ...half, filesDone: 250, bytesDone: 0, bytesTotal: 0, bytesLeft: 0 };
    expect(progressLine(empty, 0)).toBe('[######------------------]  25 %  250/1,000 files  0 B/0 B');
  });
  it('counts alone, without a share, while more may be found', () => {
    const looking = { ...half, isTotalKnown: false };
    expect(progressLine(looking, 0)).toBe('1 of 1,000 files found so far  500 MB');
    expect(progressLine(looking, 100_000_000)).toBe('1 of 1,000 files found so far  500 MB  100 MB/s');
  });
  it('says what goes on while there is nothing to count', () => {
    expect(progressLine({ ...half, filesTotal: 0, note: 'looking for files …' }, 0)).toBe('looking for files …');
  });
});

describe(ProgressBar, () => {
  const terminal = () => Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 40 });

  it('draws over its own line, within the width of the terminal, and takes it away', () => {
    const output = terminal();
    const bar = new ProgressBar(output);
    bar.update(half, 0);
    expect(String(output.read())).toMatch(/^\r\x1b\[K.{39}$/);
    bar.clear();
    expect(output.read()).toBe('\r\x1b[K');
  });

  it('writes nothing where no terminal is', () => {
    const output = new PassThrough();
    const bar = new ProgressBar(output);
    bar.update(half);
    bar.clear();
    expect(output.read()).toBeNull();
  });
});
