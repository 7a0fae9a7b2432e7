import type { CodePointRange, RegexNode } from './regex-ast.js';

/** Where the engines' spellings of one and the same thing differ. */
export interface RegexDialect {
  codePoint(codePoint: number): string;
  /** The very end of the text: `$` would also stand before a last line feed in PCRE. */
  end: string;
}

const hex = (codePoint: number, width: number) => codePoint.toString(16).padStart(width, '0');

/** PostgreSQL's advanced regular expressions, to be used without newline-sensitive flags. */
export const POSTGRES_REGEX: RegexDialect = {
  codePoint: (codePoint) => (codePoint > 0xffff ? `\\U${hex(codePoint, 8)}` : `\\u${hex(codePoint, 4)}`),
  end: '$',
};

/** PCRE2 in UTF mode (MongoDB), and RE2 as in Go (FerretDB). */
export const PCRE_REGEX: RegexDialect = {
  codePoint: (codePoint) => `\\x{${hex(codePoint, 2)}}`,
  end: '\\z',
};

/** Writes letters and digits as they are and everything else as a code point: no engine can see syntax in it. */
export function printRegex(node: RegexNode, dialect: RegexDialect): string {
  switch (node.kind) {
    case 'alternatives':
      return `(?:${node.branches.map((branch) => printRegex(branch, dialect)).join('|')})`;
    case 'sequence':
      return node.parts.map((part) => printRegex(part, dialect)).join('');
    case 'repeat':
      return `(?:${printRegex(node.part, dialect)})${quantifier(node.min, node.max)}`;
    case 'set':
      return printSet(node.isNegated, node.ranges, dialect);
    case 'start':
      return '^';
    case 'end':
      return dialect.end;
  }
}

function printSet(isNegated: boolean, ranges: readonly CodePointRange[], dialect: RegexDialect): string {
  const [only] = ranges;
  if (!isNegated && ranges.length === 1 && only !== undefined && only[0] === only[1]) {
    return printCodePoint(only[0], dialect);
  }
  const items = ranges.map(([low, high]) =>
    low === high ? printCodePoint(low, dialect) : `${printCodePoint(low, dialect)}-${printCodePoint(high, dialect)}`,
  );
  return `[${isNegated ? '^' : ''}${items.join('')}]`;
}

function printCodePoint(codePoint: number, dialect: RegexDialect): string {
  const char = String.fromCodePoint(codePoint);
  return /[A-Za-z0-9]/.test(char) ? char : dialect.codePoint(codePoint);
}

function quantifier(min: number, max: number | null): string {
  if (max === null) {
    return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  }
  return min === 0 && max === 1 ? '?' : min === max ? `{${min}}` : `{${min},${max}}`;
}
