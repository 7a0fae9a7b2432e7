import { RE2JS } from 're2js';
import { messageOf } from '../../../kernel/errors.js';
import { refuse } from '../filter.errors.js';
import { complement, DIGITS, LINE_FEED, SPACES, withBothCases, WORD } from './code-point-set.js';
import type { CodePointRange, RegexNode } from './regex-ast.js';

const MAX_LENGTH = 512;
const MAX_DEPTH = 20;
/** PostgreSQL's limit for `{n}`. */
const MAX_REPEAT = 255;

export interface RegexOptions {
  /** Letters A-Z match in either case. */
  ignoreCase: boolean;
}

/**
 * Reads a pattern of the subset: literals, `.`, classes with ranges, `\d \w \s` and their opposites (ASCII), groups,
 * `|`, `* + ? {m} {m,} {m,n}` (lazy or not is the same for "does it match"), `^` and `$`.
 *
 * RE2 judges first whether it is a pattern at all, and one of bounded size; the parser below then refuses what engines
 * read differently: back references, look-around, `\b`, inline flags, named groups, Unicode and POSIX classes.
 *
 * @throws StationError FILTER_REGEX_REFUSED
 */
export function parseRegex(pattern: string, options: RegexOptions, at: string): RegexNode {
  if (pattern.length > MAX_LENGTH) {
    throw refuse('FILTER_REGEX_REFUSED', at, `a pattern may have ${MAX_LENGTH} characters.`);
  }
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    throw refuse('FILTER_REGEX_REFUSED', at, `this is not a pattern (${messageOf(error)}).`);
  }
  return new RegexParser(pattern, options, at).parse();
}

class RegexParser {
  private readonly chars: string[];
  private next = 0;

  constructor(
    pattern: string,
    private readonly options: RegexOptions,
    private readonly at: string,
  ) {
    this.chars = Array.from(pattern);
  }

  parse(): RegexNode {
    const node = this.alternatives(1);
    if (this.peek() !== undefined) {
      throw this.refused('a closing bracket has no opening one');
    }
    return node;
  }

  private alternatives(depth: number): RegexNode {
    if (depth > MAX_DEPTH) {
      throw this.refused(`groups may be nested ${MAX_DEPTH} levels deep`);
    }
    const branches = [this.sequence(depth)];
    while (this.take('|')) {
      branches.push(this.sequence(depth));
    }
    return branches.length === 1 && branches[0] !== undefined ? branches[0] : { kind: 'alternatives', branches };
  }

  private sequence(depth: number): RegexNode {
    const parts: RegexNode[] = [];
    for (let char = this.peek(); char !== undefined && char !== '|' && char !== ')'; char = this.peek()) {
      parts.push(this.repeated(this.atom(depth)));
    }
    if (parts.length === 0) {
      throw this.refused('an empty pattern or alternative matches everything; leave it out');
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'sequence', parts };
  }

  private repeated(part: RegexNode): RegexNode {
    const bounds = this.quantifier();
    if (bounds === undefined) {
      return part;
    }
    if (part.kind === 'start' || part.kind === 'end') {
      throw this.refused('^ and $ cannot be repeated');
    }
    this.take('?'); // Lazy: which match is found first does not matter here.
    if (this.quantifier() !== undefined) {
      throw this.refused('one repetition directly follows another; use a group');
    }
    return { kind: 'repeat', part, ...bounds };
  }

  private quantifier(): { min: number; max: number | null } | undefined {
    if (this.take('*')) {
      return { min: 0, max: null };
    }
    if (this.take('+')) {
      return { min: 1, max: null };
    }
    if (this.take('?')) {
      return { min: 0, max: 1 };
    }
    return this.peek() === '{' ? this.counted() : undefined;
  }

  private counted(): { min: number; max: number | null } {
    const close = this.chars.indexOf('}', this.next);
    const text = this.chars.slice(this.next, close + 1).join('');
    const match = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}$/.exec(text);
    if (match === null) {
      throw this.refused('write a literal { as \\{');
    }
    this.next = close + 1;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === undefined ? null : Number(match[3]);
    if (Math.max(min, max ?? 0) > MAX_REPEAT) {
      throw this.refused(`a repetition counts to ${MAX_REPEAT}`);
    }
    return { min, max };
  }

  private atom(depth: number): RegexNode {
    const char = this.consume();
    switch (char) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'set', isNegated: true, ranges: [...LINE_FEED] };
      case '(':
        return this.group(depth);
      case '[':
        return this.characterClass();
      case '\\':
        return this.set(this.escape());
      case '{':
      case '}':
      case ']':
      case '*':
      case '+':
      case '?':
        throw this.refused(`write a literal ${char} as \\${char}`);
      default:
        return this.set([single(char)]);
    }
  }

  private group(depth: number): RegexNode {
    if (this.take('?') && !this.take(':')) {
      throw this.refused('groups are ( ) or (?: ); look-around, names and inline flags are not read alike everywhere');
    }
    const inner = this.alternatives(depth + 1);
    if (!this.take(')')) {
      throw this.refused('a group is not closed');
    }
    return inner;
  }

  private characterClass(): RegexNode {
    const isNegated = this.take('^');
    const ranges: CodePointRange[] = [];
    while (!this.take(']')) {
      ranges.push(...this.classItem());
    }
    if (ranges.length === 0) {
      throw this.refused('a class names at least one character; write a literal ] as \\]');
    }
    return this.set(ranges, isNegated);
  }

  private classItem(): readonly CodePointRange[] {
    const first = this.classMember();
    if (this.peek() !== '-' || this.chars[this.next + 1] === ']') {
      return first;
    }
    this.next += 1;
    const last = this.classMember();
    const low = onlyCodePoint(first);
    const high = onlyCodePoint(last);
    if (low === undefined || high === undefined || low > high) {
      throw this.refused('a range in a class goes from a lower to a higher character; write a literal - as \\-');
    }
    return [[low, high]];
  }

  private classMember(): readonly CodePointRange[] {
    const char = this.consume();
    if (char === '\\') {
      return this.escape();
    }
    if (char === '[') {
      throw this.refused('write a literal [ in a class as \\[ ; POSIX classes are not read alike everywhere');
    }
    return [single(char)];
  }

  private escape(): readonly CodePointRange[] {
    const char = this.consume();
    const named = NAMED_ESCAPES[char];
    if (named !== undefined) {
      return named;
    }
    if (char === 'x') {
      return [this.hexEscape()];
    }
    if (/[A-Za-z0-9]/.test(char)) {
      throw this.refused(`\\${char} is not read alike everywhere`);
    }
    return [single(char)];
  }

  private hexEscape(): CodePointRange {
    const rest = this.chars.slice(this.next, this.next + 10).join('');
    const match = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
    if (match === null) {
      throw this.refused('write a code point as \\x41 or \\x{1F600}');
    }
    this.next += match[0].length;
    return this.usable(parseInt(match[1] ?? match[2] ?? '', 16));
  }

  private usable(codePoint: number): CodePointRange {
    if (codePoint === 0 || codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      throw this.refused('U+0000 and surrogates cannot be searched for');
    }
    return [codePoint, codePoint];
  }

  private set(ranges: readonly CodePointRange[], isNegated = false): RegexNode {
    for (const [low] of ranges) {
      this.usable(low);
    }
    return { kind: 'set', isNegated, ranges: this.options.ignoreCase ? withBothCases(ranges) : [...ranges] };
  }

  private peek(): string | undefined {
    return this.chars[this.next];
  }

  private take(char: string): boolean {
    const isThere = this.chars[this.next] === char;
    this.next += isThere ? 1 : 0;
    return isThere;
  }

  private consume(): string {
    const char = this.chars[this.next];
    if (char === undefined) {
      throw this.refused('it ends too early');
    }
    this.next += 1;
    return char;
  }

  private refused(reason: string): Error {
    return refuse('FILTER_REGEX_REFUSED', this.at, `${reason} (at character ${this.next} of the pattern).`);
  }
}

const NAMED_ESCAPES: Partial<Record<string, readonly CodePointRange[]>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
  t: [[0x09, 0x09]],
  n: LINE_FEED,
  f: [[0x0c, 0x0c]],
  r: [[0x0d, 0x0d]],
};

function single(char: string): CodePointRange {
  const codePoint = char.codePointAt(0) ?? 0;
  return [codePoint, codePoint];
}

function onlyCodePoint(ranges: readonly CodePointRange[]): number | undefined {
  const [first] = ranges;
  return ranges.length === 1 && first !== undefined && first[0] === first[1] ? first[0] : undefined;
}
