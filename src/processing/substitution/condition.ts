import { StationError } from '../../kernel/errors.js';
import { fillTemplate } from './text-template.js';
import type { Lookup } from './command-rewriter.js';

/**
 * The condition language of `runIf` and `repeatUntil`: Python's boolean expressions over text and numbers (dm-interfaces
 * 5.7), parsed here and never handed to an evaluator. A reference is filled in after parsing, so a value with quotes in
 * it is still just a value. Outside quotes a reference that looks like a number is one; an unknown name is empty text.
 *
 *     condition  := and { "or" and }          comparison := value [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "in") value ]
 *     and        := not { "and" not }         value      := text | number | "True" | "False" | $name | "(" condition ")"
 *     not        := "not" not | comparison
 */
export type Condition = (lookup: Lookup) => boolean;

type Value = string | number | boolean;
type Expression = (lookup: Lookup) => Value;
interface Token {
  kind: 'text' | 'number' | 'name' | 'reference' | 'symbol';
  text: string;
}

const TOKEN =
  /\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\d+(?:\.\d+)?)|\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?|([A-Za-z]+)|(==|!=|<=|>=|[<>()]))/y;

/** @throws StationError CONDITION_INVALID that says what was expected. */
export function parseCondition(source: string): Condition {
  const parser = new ConditionParser(source, tokenize(source));
  const expression = parser.whole();
  return (lookup) => truth(expression(lookup));
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const text = source.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw invalid(source, `cannot read it from ${JSON.stringify(text.slice(at, at + 20))} on`);
    }
    const [, double, single, number, reference, name, symbol] = match;
    const quoted = double ?? single;
    if (quoted !== undefined) {
      tokens.push({ kind: 'text', text: quoted.replace(/\\([\\'"])/g, '$1') });
    } else if (number !== undefined) {
      tokens.push({ kind: 'number', text: number });
    } else if (reference !== undefined) {
      tokens.push({ kind: 'reference', text: reference });
    } else if (name !== undefined) {
      tokens.push({ kind: 'name', text: name });
    } else {
      tokens.push({ kind: 'symbol', text: symbol ?? '' });
    }
  }
  return tokens;
}

class ConditionParser {
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly tokens: readonly Token[],
  ) {}

  whole(): Expression {
    const expression = this.or();
    const extra = this.tokens[this.at];
    if (extra !== undefined) {
      throw invalid(this.source, `${JSON.stringify(extra.text)} is not expected there`);
    }
    return expression;
  }

  private or(): Expression {
    let left = this.and();
    while (this.takeWord('or')) {
      const [first, second] = [left, this.and()];
      left = (lookup) => truth(first(lookup)) || truth(second(lookup));
    }
    return left;
  }

  private and(): Expression {
    let left = this.not();
    while (this.takeWord('and')) {
      const [first, second] = [left, this.not()];
      left = (lookup) => truth(first(lookup)) && truth(second(lookup));
    }
    return left;
  }

  private not(): Expression {
    if (this.takeWord('not')) {
      const inner = this.not();
      return (lookup) => !truth(inner(lookup));
    }
    return this.comparison();
  }

  private comparison(): Expression {
    const left = this.value();
    const operator = this.operator();
    if (operator === undefined) {
      return left;
    }
    const right = this.value();
    return (lookup) => compare(operator, left(lookup), right(lookup));
  }

  private operator(): string | undefined {
    const token = this.tokens[this.at];
    if (token?.kind === 'symbol' && !'()'.includes(token.text)) {
      this.at += 1;
      return token.text;
    }
    if (this.takeWord('in')) {
      return 'in';
    }
    if (token?.kind === 'name' && token.text === 'not' && this.tokens[this.at + 1]?.text === 'in') {
      this.at += 2;
      return 'not in';
    }
    return undefined;
  }

  private value(): Expression {
    const token = this.tokens[this.at];
    this.at += 1;
    switch (token?.kind) {
      case 'text':
        return (lookup) => fillTemplate(token.text, lookup).toString('latin1');
      case 'number':
        return () => Number(token.text);
      case 'reference':
        return (lookup) => referenced(token.text, lookup);
      case 'name':
        if (token.text === 'True' || token.text === 'False') {
          return () => token.text === 'True';
        }
        break;
      case 'symbol':
        if (token.text === '(') {
          const inner = this.or();
          this.expectClosing();
          return inner;
        }
        break;
      case undefined:
        throw invalid(this.source, 'it ends where a value is expected');
    }
    throw invalid(this.source, `a value is expected where ${JSON.stringify(token.text)} stands; put text into quotes`);
  }

  private expectClosing(): void {
    if (this.tokens[this.at]?.text !== ')') {
      throw invalid(this.source, 'a closing parenthesis is missing');
    }
    this.at += 1;
  }

  private takeWord(word: string): boolean {
    const token = this.tokens[this.at];
    const found = token?.kind === 'name' && token.text === word;
    this.at += found ? 1 : 0;
    return found;
  }
}

/** Text is compared as bytes (latin1 holds one per character): file names need not be text. */
function referenced(name: string, lookup: Lookup): Value {
  const text = fillTemplate(`\${${name}}`, lookup).toString('latin1');
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function truth(value: Value): boolean {
  return value !== '' && value !== 0 && value !== false;
}

function compare(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case 'in':
      return String(right).includes(String(left));
    case 'not in':
      return !String(right).includes(String(left));
    default:
      return ordered(operator, left, right);
  }
}

function ordered(operator: string, left: Value, right: Value): boolean {
  const [a, b] = typeof left === 'number' && typeof right === 'number' ? [left, right] : [String(left), String(right)];
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b;
}

function invalid(source: string, reason: string): StationError {
  return new StationError(
    'invalid',
    'CONDITION_INVALID',
    `The condition ${JSON.stringify(source)} cannot be used: ${reason}.`,
    {
      details: { condition: source, reason },
    },
  );
}
