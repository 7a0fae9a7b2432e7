/**
 * What lies ahead (or behind) in shell text, looked at without taking it: the questions on which quoting hangs. All work
 * on `text` from `at`, up to `end`.
 */

export interface Reference {
  name: string;
  /** As written: `$name` or `${name}`. */
  source: string;
}

export function simpleReferenceAt(text: string, at: number, end: number): Reference | undefined {
  const pattern = /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/y;
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  const name = match?.[1] ?? match?.[2];
  return match === null || name === undefined || pattern.lastIndex > end ? undefined : { name, source: match[0] };
}

/** Whether the two parentheses opened before `at` close side by side; else `((` is a subshell in a subshell. */
export function closesAsArithmetic(text: string, at: number, end: number): boolean {
  let depth = 2;
  for (let index = at; index < end; index += 1) {
    const char = text[index];
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    if (depth === 1) {
      return text[index + 1] === ')';
    }
  }
  return false;
}

/** Index of the backquote that closes the one at `at`; `end` when there is none. */
export function closingBackquote(text: string, at: number, end: number): number {
  let index = at + 1;
  while (index < end && text[index] !== '`') {
    index += text[index] === '\\' ? 2 : 1;
  }
  return Math.min(index, end);
}

export function lineEnd(text: string, at: number, end: number): number {
  const index = text.indexOf('\n', at);
  return index === -1 || index > end ? end : index;
}

/** Whether a `#` at `at` begins a comment. `start` is where the surrounding commands begin. */
export function isWordStart(text: string, at: number, start: number): boolean {
  return at === start || /[\s;&|()<>]/.test(text[at - 1] ?? '');
}

const COMMAND_POSITION = /(^|[\n;&|({`)]|\b(do|then|else|elif|if|while|until|in)|!)[ \t]*$/;

/** In `case x in a) …` the `)` closes no parenthesis: +1 where a `case` begins, -1 at its `esac`, else 0. */
export function caseStep(text: string, at: number, start: number, end: number): -1 | 0 | 1 {
  if (text[at] !== 'c' && text[at] !== 'e') {
    return 0;
  }
  const word = /^(case|esac)(?![\w-])/.exec(text.slice(at, Math.min(end, at + 5)))?.[1];
  if (word === undefined || !COMMAND_POSITION.test(text.slice(start, at))) {
    return 0;
  }
  return word === 'case' ? 1 : -1;
}
