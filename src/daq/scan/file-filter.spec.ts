import { describe, expect, it } from 'vitest';
import { FileFilter, type FilterOptions } from './file-filter.js';

const aFilter = (options: Partial<FilterOptions>) =>
  new FileFilter({
    includePatterns: [],
    excludePatterns: [],
    includeFileExtensions: [],
    excludeFileExtensions: [],
    onlyFiles: [],
    processHidden: false,
    ignoredNames: [],
    temporaryNames: [],
    ...options,
  });
const accepts = (options: Partial<FilterOptions>, path: string) => aFilter(options).acceptsFile(Buffer.from(path));

describe('FileFilter with extensions', () => {
  it.each([
    ['scan/a.h5', true],
    ['scan/A.H5', true],
    ['scan/a.h5.log', false],
    ['scan/h5', false],
    ['scan.h5/raw', false],
    ['a.tar.gz', true],
    ['a.gz', false],
  ])('takes %s of h5 and tar.gz: %s', (path, expected) => {
    expect(accepts({ includeFileExtensions: ['h5', 'tar.gz'] }, path)).toBe(expected);
  });

  it('leaves out what is excluded, whatever is included', () => {
    expect(accepts({ includeFileExtensions: ['h5'], excludeFileExtensions: ['tmp.h5'] }, 'a.tmp.h5')).toBe(false);
    expect(accepts({ excludeFileExtensions: ['log'] }, 'a.log')).toBe(false);
    expect(accepts({ excludeFileExtensions: ['log'] }, 'a.h5')).toBe(true);
  });

  it('wants patterns and extensions to agree', () => {
    const both = { includePatterns: ['scan1/*'], includeFileExtensions: ['h5'] };
    expect(accepts(both, 'scan1/a.h5')).toBe(true);
    expect(accepts(both, 'scan2/a.h5')).toBe(false);
    expect(accepts(both, 'scan1/a.tif')).toBe(false);
  });

  it('does not take a name that is nothing but an extension for a file with it', () => {
    expect(accepts({ includeFileExtensions: ['h5'], processHidden: true }, '.h5')).toBe(false);
  });
});
