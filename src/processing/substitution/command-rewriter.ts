import { hereBodyEnd, type HereOperator, hereOperatorAt, unusedDelimiter } from './here-document.js';
import {
  caseStep,
  closesAsArithmetic,
  closingBackquote,
  isWordStart,
  lineEnd,
  simpleReferenceAt,
} from './shell-lookahead.js';
import { expansionIn, type Quoting, shownIn } from './shell-quoting.js';
import type { Variable } from './variable.js';

/** Looks a name up: its value, `undeclared` for a name that nobody knows (the shell's own), `unset` for a known one without value. */
export type Lookup = (name: string) => Variable | 'unset' | 'undeclared';

export interface RewrittenCommand {
  /** Shell text in which each reference is an expansion of `DM_VAR_name` in the quoting that its place asks for. */
  readonly script: string;
  /** The command with its values filled in, in text form: for people and records, never executed. */
  readonly shown: string;
  /** Names of job variables that the script expands. */
  readonly used: ReadonlySet<string>;
  /** Sentences about references that cannot be filled in safely; the command must not run when there is one. */
  readonly problems: readonly string[];
}

/** Environment name under which a job variable reaches the stage's shell. */
export const VARIABLE_PREFIX = 'DM_VAR_';

const INTEGER = /^\s*[-+]?(0[xX][0-9a-fA-F]+|[0-9]+)?\s*$/;

interface HereDocument extends HereOperator {
  /** Where the delimiter stands in `script`, to be replaced when the body has to be expanded after all. */
  chunk: number;
}

/**
 * Rewrites a command template so that a value can never be taken for shell syntax. The values themselves are not in the
 * text at all: they travel in variables of the shell, and `$name` becomes an expansion of that variable with the quotes
 * that are needed where it stands (bare, in double, single or `$'…'` quotes, in `$(…)`, backquotes, here-documents,
 * arithmetic). The shell does not parse the result of an expansion again, so even a place that this scanner misjudges
 * can at worst split or keep a word, not run it.
 *
 * Not a full parser: it follows quoting, nesting, comments, here-documents and `case` patterns, which is what decides
 * how an expansion is read.
 */
export function rewriteCommand(template: string, lookup: Lookup): RewrittenCommand {
  const rewriter = new CommandRewriter(template, lookup);
  rewriter.commands('');
  return rewriter.result();
}

class CommandRewriter {
  private at = 0;
  private end: number;
  private readonly script: string[] = [];
  private readonly shown: string[] = [];
  private readonly used = new Set<string>();
  private readonly problems: string[] = [];

  constructor(
    private readonly text: string,
    private readonly lookup: Lookup,
  ) {
    this.end = text.length;
  }

  result(): RewrittenCommand {
    return { script: this.script.join(''), shown: this.shown.join(''), used: this.used, problems: this.problems };
  }

  /** Unquoted shell text, up to the `)` that closes a `$(`, or to the end. */
  commands(until: ')' | ''): void {
    const start = this.at;
    const hereDocuments: HereDocument[] = [];
    let depth = 0;
    let cases = 0;
    while (this.at < this.end) {
      const char = this.text[this.at] ?? '';
      if (char === ')' && until === ')' && depth === 0 && cases === 0) {
        return;
      }
      if (this.quotedPart(char)) {
        continue;
      }
      if (char === '#' && isWordStart(this.text, this.at, start)) {
        this.copyLine();
      } else if (char === '\n') {
        this.copy(1);
        hereDocuments.splice(0).forEach((document) => this.hereBody(document));
      } else if (char === '<' && this.text.startsWith('<<', this.at)) {
        this.hereOperator(hereDocuments);
      } else if (this.text.startsWith('((', this.at) && closesAsArithmetic(this.text, this.at + 2, this.end)) {
        this.copy(2);
        this.arithmetic();
      } else {
        cases = Math.max(0, cases + caseStep(this.text, this.at, start, this.end));
        if (char === '(') {
          depth += 1;
        } else if (char === ')' && depth > 0) {
          depth -= 1;
        }
        this.copy(1);
      }
    }
    hereDocuments.forEach((document) => this.hereBody(document));
  }

  /** The constructs that begin the same way everywhere outside quotes. Answers false when `char` begins none. */
  private quotedPart(char: string): boolean {
    switch (char) {
      case '\\':
        this.copy(2);
        return true;
      case "'":
        this.single('single');
        return true;
      case '"':
        this.double();
        return true;
      case '`':
        this.backquotes();
        return true;
      case '$':
        this.dollar('bare');
        return true;
      default:
        return false;
    }
  }

  private single(quoting: 'single' | 'ansi'): void {
    this.copy(1);
    while (this.at < this.end) {
      const char = this.text[this.at];
      if (char === "'") {
        this.copy(1);
        return;
      }
      const simple = char === '$' ? simpleReferenceAt(this.text, this.at, this.end) : undefined;
      if (simple !== undefined) {
        this.reference(simple.name, simple.source, quoting);
      } else {
        this.copy(char === '\\' && quoting === 'ansi' ? 2 : 1);
      }
    }
  }

  private double(): void {
    this.copy(1);
    while (this.at < this.end) {
      if (this.text[this.at] === '"') {
        this.copy(1);
        return;
      }
      this.expandingCharacter('double');
    }
  }

  /** One step inside text that the shell expands but does not split: double quotes, here-documents, arithmetic. */
  private expandingCharacter(quoting: 'double' | 'here' | 'arithmetic'): void {
    const char = this.text[this.at];
    if (char === '\\') {
      this.copy(2);
    } else if (char === '`') {
      this.backquotes(quoting);
    } else if (char === '$') {
      this.dollar(quoting);
    } else {
      this.copy(1);
    }
  }

  private dollar(quoting: Quoting): void {
    const rest = this.text.slice(this.at + 1, Math.min(this.end, this.at + 3));
    const simple = simpleReferenceAt(this.text, this.at, this.end);
    if (simple !== undefined) {
      this.reference(simple.name, simple.source, quoting);
    } else if (rest === '((' && closesAsArithmetic(this.text, this.at + 3, this.end)) {
      this.copy(3);
      this.arithmetic();
    } else if (rest.startsWith('(')) {
      this.copy(2);
      this.commands(')');
      this.copy(1);
    } else if (rest.startsWith('{')) {
      this.bracedExpansion(quoting);
    } else if (rest.startsWith("'") && quoting === 'bare') {
      this.copy(1);
      this.single('ansi');
    } else {
      this.copy(/^[$?!#@*0-9-]/.test(rest) ? 2 : 1);
    }
  }

  private reference(name: string, source: string, quoting: Quoting): void {
    const value = this.lookup(name);
    this.at += source.length;
    if (value === 'undeclared') {
      // Perhaps a variable of the script's own (`for f in …; do … $f`), else the scrubbed environment makes it empty.
      this.emit(source, source);
    } else if (value !== 'unset') {
      this.checkArithmetic(name, value, quoting);
      this.used.add(name);
      this.emit(expansionIn(quoting, `\${${VARIABLE_PREFIX}${name}}`), shownIn(quoting, value.text));
    }
  }

  /** `${name<operator>…}`: the name is exchanged, the shell does the rest. Inside, the rules of double quotes apply. */
  private bracedExpansion(quoting: Quoting): void {
    const match = /^\$\{(#?)([A-Za-z_][A-Za-z0-9_]*)/.exec(this.text.slice(this.at, this.end));
    const name = match?.[2];
    const value = name === undefined ? 'undeclared' : this.lookup(name);
    if (match === null || name === undefined || value === 'undeclared') {
      this.copy(2);
      this.braceBody(quoting);
      return;
    }
    if (value !== 'unset') {
      this.checkArithmetic(name, value, quoting);
      this.used.add(name);
    }
    const wrap = quoting === 'bare' ? '"' : '';
    this.at += match[0].length;
    this.emit(`${wrap}\${${match[1]}${VARIABLE_PREFIX}${name}`, match[0]);
    this.braceBody(quoting === 'bare' ? 'double' : quoting);
    this.emit(wrap, '');
  }

  private braceBody(quoting: Quoting): void {
    while (this.at < this.end) {
      const char = this.text[this.at] ?? '';
      if (char === '}') {
        this.copy(1);
        return;
      }
      if (quoting === 'bare') {
        if (!this.quotedPart(char)) {
          this.copy(1);
        }
      } else if (char === '"' && quoting === 'double') {
        this.double();
      } else {
        this.expandingCharacter(quoting === 'here' || quoting === 'arithmetic' ? quoting : 'double');
      }
    }
  }

  /** Between `((` and `))`, the opening already copied. */
  private arithmetic(): void {
    let depth = 2;
    while (this.at < this.end && depth > 0) {
      const char = this.text[this.at];
      depth += char === '(' ? 1 : char === ')' ? -1 : 0;
      this.expandingCharacter('arithmetic');
    }
  }

  /** bash evaluates text inside `$((…))` once more, command substitutions in subscripts included: numbers only. */
  private checkArithmetic(name: string, value: Variable, quoting: Quoting): void {
    if (quoting === 'arithmetic' && !INTEGER.test(value.text)) {
      this.problems.push(`$${name} stands in an arithmetic expression, but its value is not an integer: ${value.text}`);
    }
  }

  /** Written as `$(…)`, which needs no escapes of its own, when there is something to fill in. */
  private backquotes(quoting: Quoting = 'bare'): void {
    const close = closingBackquote(this.text, this.at, this.end);
    const raw = this.text.slice(this.at + 1, close);
    const inner = raw.replace(quoting === 'double' ? /\\([\\`$"])/g : /\\([\\`$])/g, '$1');
    const rewritten = rewriteCommand(inner, this.lookup);
    if (rewritten.script === inner) {
      this.copy(close + 1 - this.at);
      return;
    }
    rewritten.used.forEach((name) => this.used.add(name));
    this.problems.push(...rewritten.problems);
    // The line break ends a comment, the blank keeps `(` from making `((`.
    this.emit(`$( ${rewritten.script}\n)`, `\`${rewritten.shown}\``);
    this.at = close + 1;
  }

  private hereOperator(documents: HereDocument[]): void {
    if (this.text.startsWith('<<<', this.at)) {
      this.copy(3);
      return;
    }
    const here = hereOperatorAt(this.text, this.at, this.end);
    if (here === undefined) {
      this.copy(2);
      return;
    }
    this.copy(here.operatorLength);
    documents.push({ ...here, chunk: this.script.length });
    this.copy(here.word.length);
  }

  private hereBody(document: HereDocument): void {
    const bodyEnd = hereBodyEnd(this.text, this.at, this.end, document);
    const body = this.text.slice(this.at, bodyEnd);
    if (!document.quoted) {
      const outerEnd = this.end;
      this.end = bodyEnd;
      while (this.at < bodyEnd) {
        this.expandingCharacter('here');
      }
      this.end = outerEnd;
      this.copyLine();
    } else if (this.refersToVariable(body)) {
      this.expandQuotedBody(document, bodyEnd);
    } else {
      this.copy(body.length);
      this.copyLine();
    }
  }

  /** A quoted delimiter forbids expansion: write the document with a plain one and escape everything but our variables. */
  private expandQuotedBody(document: HereDocument, bodyEnd: number): void {
    const delimiter = unusedDelimiter(this.text);
    this.script[document.chunk] = delimiter;
    while (this.at < bodyEnd) {
      const char = this.text[this.at] ?? '';
      const simple = char === '$' ? simpleReferenceAt(this.text, this.at, this.end) : undefined;
      if (simple !== undefined && this.lookup(simple.name) !== 'undeclared') {
        this.reference(simple.name, simple.source, 'here');
      } else {
        this.emit(/[\\$`]/.test(char) ? `\\${char}` : char, char);
        this.at += 1;
      }
    }
    const stop = lineEnd(this.text, this.at, this.end);
    this.emit(delimiter, this.text.slice(this.at, stop));
    this.at = stop;
  }

  private refersToVariable(body: string): boolean {
    return [...body.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].some(
      (match) => this.lookup(match[1] ?? '') !== 'undeclared',
    );
  }

  private copyLine(): void {
    this.copy(lineEnd(this.text, this.at, this.end) - this.at);
  }

  private copy(length: number): void {
    const part = this.text.slice(this.at, Math.min(this.at + length, this.end));
    this.emit(part, part);
    this.at += part.length;
  }

  private emit(script: string, shown: string): void {
    this.script.push(script);
    this.shown.push(shown);
  }
}
