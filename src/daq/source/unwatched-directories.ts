import { lstat } from 'node:fs/promises';

/** Names that are kept; a tree that goes this far beyond all room will hardly ever be watched as a whole. */
const MOST_KEPT = 50_000;

/** Directories of one tree that want a watch and have none, because there was no room. */
export class UnwatchedDirectories {
  private readonly paths = new Set<string>();
  private unnamed = 0;

  /** Those included whose names are not kept: they get a watch when watching begins anew. */
  get count(): number {
    return this.paths.size + this.unnamed;
  }

  get hasNames(): boolean {
    return this.paths.size > 0;
  }

  add(path: string): void {
    if (this.paths.size < MOST_KEPT) {
      this.paths.add(path);
    } else if (!this.paths.has(path)) {
      this.unnamed += 1;
    }
  }

  /** Takes those out that have waited longest; what is no directory any more is not answered. */
  async takeOut(most: number): Promise<string[]> {
    const paths = [...this.paths].slice(0, most);
    const areThere = await Promise.all(paths.map(isDirectory));
    paths.forEach((path) => this.paths.delete(path));
    return paths.filter((_path, at) => areThere[at]);
  }
}

/** Where that cannot be told now, it may be one. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(`${path}/.`)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
