import { nameOf } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import { hasExtension } from './file-extension.js';
import { type Wildcard, wildcard } from '../../kernel/wildcard.js';

const DOT = 0x2e;
const SLASH = 0x2f;

export interface FilterOptions {
  /** Shell wildcards on the path relative to the data directory; none means everything. */
  includePatterns: readonly string[];
  excludePatterns: readonly string[];
  /** Endings of names, normalised; none means every name. */
  includeFileExtensions: readonly string[];
  excludeFileExtensions: readonly string[];
  /** Only these, relative to the data directory in text form; named one by one, so nothing else decides about them. */
  onlyFiles: readonly string[];
  /** Whether names that start with a dot are taken, and directories with such names entered. */
  processHidden: boolean;
  /** Wildcards on file names that are never data. */
  ignoredNames: readonly string[];
  /** Wildcards on names of files that are still being written: not taken while they are called so. */
  temporaryNames: readonly string[];
}

/** Which files of a tree an acquisition takes. Patterns see the text form of a path. */
export class FileFilter {
  private readonly include: readonly Wildcard[];
  private readonly exclude: readonly Wildcard[];
  private readonly ignored: readonly Wildcard[];
  private readonly temporary: readonly Wildcard[];

  constructor(private readonly options: FilterOptions) {
    this.include = options.includePatterns.map(wildcard);
    this.exclude = options.excludePatterns.map(wildcard);
    this.ignored = options.ignoredNames.map(wildcard);
    this.temporary = options.temporaryNames.map(wildcard);
  }

  acceptsFile(relativePath: Buffer): boolean {
    const name = nameOf(relativePath);
    if (!this.acceptsName(name) || !this.acceptsExtension(name)) {
      return false;
    }
    if (this.include.length === 0 && this.exclude.length === 0) {
      return true;
    }
    const text = pathToText(relativePath);
    return (
      (this.include.length === 0 || this.include.some((matches) => matches(text))) &&
      !this.exclude.some((matches) => matches(text))
    );
  }

  /** Whether an accepted file is called so only until it is complete. */
  isTemporary(relativePath: Buffer): boolean {
    const text = pathToText(nameOf(relativePath));
    return this.temporary.some((matches) => matches(text));
  }

  /** Whether a directory of this name is entered at all. */
  acceptsDirectory(name: Buffer): boolean {
    return this.acceptsName(name);
  }

  /** The same for a path of which only events told: every directory on the way counts. */
  acceptsPath(relativePath: Buffer): boolean {
    const at = relativePath.lastIndexOf(SLASH);
    if (at !== -1 && !this.acceptsDirectories(relativePath.subarray(0, at))) {
      return false;
    }
    return this.acceptsFile(relativePath) && !this.isTemporary(relativePath);
  }

  /** Whether a path, if it is a directory, is entered. */
  acceptsDirectories(relativePath: Buffer): boolean {
    let start = 0;
    for (let at = relativePath.indexOf(SLASH); at !== -1; at = relativePath.indexOf(SLASH, start)) {
      if (!this.acceptsDirectory(relativePath.subarray(start, at))) {
        return false;
      }
      start = at + 1;
    }
    return this.acceptsDirectory(relativePath.subarray(start));
  }

  private acceptsExtension(name: Buffer): boolean {
    const { includeFileExtensions, excludeFileExtensions } = this.options;
    if (includeFileExtensions.length === 0 && excludeFileExtensions.length === 0) {
      return true;
    }
    const text = pathToText(name);
    return (
      (includeFileExtensions.length === 0 || hasExtension(text, includeFileExtensions)) &&
      !hasExtension(text, excludeFileExtensions)
    );
  }

  private acceptsName(name: Buffer): boolean {
    if (!this.options.processHidden && name[0] === DOT) {
      return false;
    }
    const text = pathToText(name);
    return !this.ignored.some((matches) => matches(text));
  }
}
