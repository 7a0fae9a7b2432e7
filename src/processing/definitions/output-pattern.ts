import { RE2JS } from 're2js';
import { StationError } from '../../kernel/errors.js';
import { reversibleText, textToBytes } from './reversible-text.js';
import { variableFromBytes, type Variable } from '../substitution/variable.js';

/** Names that an output variable or argument must not take (dm-interfaces 5.3). */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(['workflow']);

/**
 * A Python regular expression with named groups that finds variables in a stage's output. RE2 runs it: time grows with
 * the length of the output whatever the pattern, so no definition can hang the station. What RE2 cannot do
 * (look-around, backreferences, verbose mode) is refused with a reason.
 */
export interface OutputPattern {
  readonly groups: readonly string[];
  /** First match anywhere in the output, `.` not matching a line break. Groups that took no part are left out. */
  find(output: Uint8Array): Map<string, Variable>;
}

/** @throws StationError OUTPUT_PATTERN_UNSUPPORTED with the construct and what to do instead. */
export function compileOutputPattern(source: string): OutputPattern {
  const { pattern, usesDollar } = translate(source);
  const compiled = compile(source, pattern);
  const groups = Object.keys(compiled.namedGroups());
  const reserved = groups.find((name) => RESERVED_NAMES.has(name));
  if (reserved !== undefined) {
    throw unsupported(source, `the name ${reserved} is reserved; call the group something else`);
  }
  return { groups, find: (output) => findGroups(compiled, groups, usesDollar, output) };
}

function findGroups(
  compiled: RE2JS,
  groups: readonly string[],
  usesDollar: boolean,
  output: Uint8Array,
): Map<string, Variable> {
  const found = new Map<string, Variable>();
  const text = reversibleText(output);
  // Python's `$` also matches before a line break that ends the text; RE2's does not.
  const candidates = usesDollar && text.endsWith('\n') ? [text.slice(0, -1), text] : [text];
  for (const candidate of candidates) {
    const matcher = compiled.matcher(candidate);
    if (!matcher.find()) {
      continue;
    }
    for (const group of groups) {
      const value: string | null = matcher.group(group);
      if (value !== null) {
        found.set(group, variableFromBytes(textToBytes(value.replaceAll('\0', ''))));
      }
    }
    break;
  }
  return found;
}

function compile(source: string, pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw unsupported(source, message.replace('error parsing regexp: ', ''), error);
  }
}

/** Constructs of Python's that RE2 lacks, with a reason that helps more than "syntax error". */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [
    /^\(\?(=|!|<=|<!)/,
    'look-around is not supported; match the surrounding text and put only the value into the group',
  ],
  [/^\(\?P=/, 'references back to a group are not supported'],
  [/^\(\?\(/, 'conditional groups are not supported'],
  [/^\(\?>/, 'atomic groups are not supported, and not needed: matching takes linear time'],
  [
    /^\(\?[a-zA-Z]*x[a-zA-Z-]*[:)]/,
    'verbose mode (?x) is not supported; write the pattern without blanks and comments',
  ],
  [/^[*+?}]\+/, 'possessive repetition is not supported, and not needed: matching takes linear time'],
];

/** Same meaning, other spelling: what Python writes and RE2 does not know. */
const REWRITTEN: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^\(\?#[^)]*\)/, () => ''],
  [/^\(\?[au]\)/, () => ''],
  [/^\\Z/, () => '\\z'],
  [/^\\u([0-9a-fA-F]{4})/, (match) => `\\x{${match[1]}}`],
  [/^\\U([0-9a-fA-F]{8})/, (match) => `\\x{${match[1]}}`],
  [/^\{,(\d+)\}/, (match) => `{0,${match[1]}}`],
  [/^\\./s, (match) => match[0]],
];

function translate(source: string): { pattern: string; usesDollar: boolean } {
  let pattern = '';
  let usesDollar = false;
  let rest = source;
  while (rest !== '') {
    const refusal = REFUSED.find(([construct]) => construct.test(rest));
    if (refusal !== undefined) {
      throw unsupported(source, refusal[1]);
    }
    if (/^\\[1-9]/.test(rest)) {
      throw unsupported(source, 'references back to a group are not supported');
    }
    const [taken, written] = step(rest);
    usesDollar ||= taken === '$';
    pattern += written;
    rest = rest.slice(taken.length);
  }
  return { pattern, usesDollar };
}

function step(rest: string): readonly [taken: string, written: string] {
  // Inside a set nothing but escapes is special.
  const set = /^\[\^?\]?(?:\\.|[^\]\\])*\]/s.exec(rest);
  if (set !== null) {
    return [set[0], set[0].replace(/\\u([0-9a-fA-F]{4})/g, '\\x{$1}')];
  }
  for (const [construct, rewrite] of REWRITTEN) {
    const match = construct.exec(rest);
    if (match !== null) {
      return [match[0], rewrite(match)];
    }
  }
  const char = rest.slice(0, 1);
  return [char, char];
}

function unsupported(pattern: string, reason: string, cause?: unknown): StationError {
  return new StationError(
    'invalid',
    'OUTPUT_PATTERN_UNSUPPORTED',
    `The output pattern ${JSON.stringify(pattern)} cannot be used: ${reason}.`,
    { details: { pattern, reason }, cause },
  );
}
