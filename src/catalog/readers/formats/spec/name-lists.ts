/**
 * Names that SPEC lists once for all scans, some in a line: motors (`#O0`, `#O1` …) and beamline values (`#H0` …). The scans
 * then have the values only (`#P0` …, `#V0` …). Names are separated by two blanks, since a name may hold one; some
 * configurations write one nevertheless, which the number of values tells.
 */
export class NameLists {
  private readonly lines = new Map<string, Map<number, string>>();

  add(letter: string, row: number, text: string): void {
    const rows = this.lines.get(letter) ?? new Map<number, string>();
    if (row === 0) {
      rows.clear(); // another configuration from here on
    }
    rows.set(row, text.trim());
    this.lines.set(letter, rows);
  }

  /** Names and values of one line in pairs; undefined when there are not as many of one as of the other. */
  pair(letter: string, row: number, values: string): [string, string][] | undefined {
    const names = this.lines.get(letter)?.get(row);
    if (names === undefined) {
      return undefined;
    }
    for (const parts of splitValues(values)) {
      const keys = splitNames(names, parts.length);
      if (keys !== undefined) {
        return keys.map((key, at) => [key, parts[at] ?? '']);
      }
    }
    return undefined;
  }

  has(letter: string): boolean {
    return this.lines.has(letter);
  }
}

/** Names in a line, of which there should be `count`; undefined when no way of splitting gives as many. */
export function splitNames(text: string, count: number): string[] | undefined {
  const trimmed = text.trim();
  const ways = [/\s{2,}|\t/, /\s+/].map((separator) => (trimmed === '' ? [] : trimmed.split(separator)));
  return ways.find((names) => names.length === count);
}

/** Values between blanks. One that was empty shows only by the blanks around it: in the middle, or at the end. */
function splitValues(text: string): string[][] {
  const trimmed = text.trim();
  const plain = trimmed === '' ? [] : trimmed.split(/\s+/);
  return [plain, trimmed.split('  '), text.trimStart().split(' ')].map((parts) => parts.map((part) => part.trim()));
}
