/** A set of code points, as inclusive ranges. */
export type CodePointRange = readonly [low: number, high: number];

/**
 * A pattern in the subset that PostgreSQL, PCRE2 (MongoDB), RE2 and JavaScript read alike once it is written in the
 * most explicit form: every character is a set of code points, every repetition has bounds, `^` and `$` mean the very
 * start and end.
 */
export type RegexNode =
  | { kind: 'alternatives'; branches: RegexNode[] }
  | { kind: 'sequence'; parts: RegexNode[] }
  | { kind: 'repeat'; part: RegexNode; min: number; max: number | null }
  | { kind: 'set'; isNegated: boolean; ranges: CodePointRange[] }
  | { kind: 'start' }
  | { kind: 'end' };
