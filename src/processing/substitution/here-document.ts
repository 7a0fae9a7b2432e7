import { lineEnd } from './shell-lookahead.js';

/** A `<<` operator and the delimiter that follows it. */
export interface HereOperator {
  /** Characters of the operator with the blanks behind it, up to the delimiter. */
  operatorLength: number;
  /** The delimiter as written, with its quotes. */
  word: string;
  delimiter: string;
  /** `<<-`: tabs at the begin of lines do not count. */
  stripTabs: boolean;
  /** Any quoting of the delimiter forbids expansion in the body. */
  quoted: boolean;
}

const OPERATOR = /^<<(-?)[ \t]*((?:'[^']*'|"[^"]*"|\\[^\n]|[^\s;&|<>()'"\\])+)/;

export function hereOperatorAt(text: string, at: number, end: number): HereOperator | undefined {
  const match = OPERATOR.exec(text.slice(at, end));
  const word = match?.[2];
  if (match === null || word === undefined) {
    return undefined;
  }
  return {
    operatorLength: match[0].length - word.length,
    word,
    delimiter: word.replace(/\\(.)|['"]/g, '$1'),
    stripTabs: match[1] === '-',
    quoted: /['"\\]/.test(word),
  };
}

/** Where the line with the delimiter begins; `end` when it never comes. */
export function hereBodyEnd(text: string, at: number, end: number, here: HereOperator): number {
  let start = at;
  while (start < end) {
    const stop = lineEnd(text, start, end);
    const line = text.slice(start, stop);
    if ((here.stripTabs ? line.replace(/^\t+/, '') : line) === here.delimiter) {
      return start;
    }
    start = stop + 1;
  }
  return end;
}

/** A delimiter that needs no quotes and occurs nowhere in `text`. */
export function unusedDelimiter(text: string): string {
  let delimiter = 'DM_HERE';
  while (text.includes(delimiter)) {
    delimiter += '_';
  }
  return delimiter;
}
