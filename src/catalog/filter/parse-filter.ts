import { isPlainObject } from '../../kernel/plain-object.js';
import {
  allOf,
  anyOf,
  EVERYTHING,
  type Field,
  type Filter,
  not,
  NOTHING,
  type Relation,
  type Test,
} from './filter-ast.js';
import { parseField } from './filter-field.js';
import { parseOrdered, parseScalar } from './filter-value.js';
import { refuse } from './filter.errors.js';
import { parseRegex } from './regex/parse-regex.js';

export const MAX_FILTER_CHARACTERS = 65_536;
const MAX_DEPTH = 10;
const MAX_CONDITIONS = 200;
const MAX_LIST = 1000;

/** Reads the text of a `filter` parameter. @throws StationError FILTER_… */
export function parseFilterText(text: string): Filter {
  if (text.length > MAX_FILTER_CHARACTERS) {
    throw refuse('FILTER_TOO_LARGE', '', `it may have ${MAX_FILTER_CHARACTERS} characters.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(
      'FILTER_INVALID',
      '',
      'it must be JSON, such as {"metadata.sample":"Si111","sizeBytes":{"$gt":1000}}.',
    );
  }
  return parseFilter(value);
}

/**
 * Reads the safe subset of MongoDB's filter language that the module's README documents, and refuses all else.
 *
 * @throws StationError FILTER_INVALID, FILTER_OPERATOR_REFUSED, FILTER_FIELD_UNKNOWN, FILTER_VALUE_INVALID,
 * FILTER_REGEX_REFUSED, FILTER_TOO_LARGE; `details.at` says where.
 */
export function parseFilter(value: unknown): Filter {
  return new FilterParser().document(value, '', 1);
}

/** Counts conditions over the whole filter while it goes down. */
class FilterParser {
  private conditions = 0;

  document(value: unknown, at: string, depth: number): Filter {
    if (depth > MAX_DEPTH) {
      throw refuse('FILTER_TOO_LARGE', at, `it may be nested ${MAX_DEPTH} levels deep.`);
    }
    const parts = entriesOf(value, at, 'a filter is an object of fields and $and, $or, $nor.').map(([key, operand]) => {
      const place = at === '' ? key : `${at}.${key}`;
      return key.startsWith('$') ? this.logical(key, operand, place, depth) : this.field(key, operand, place, depth);
    });
    return allOf(parts);
  }

  private logical(operator: string, operand: unknown, at: string, depth: number): Filter {
    const combine = LOGICAL.get(operator);
    if (combine === undefined) {
      throw refuse('FILTER_OPERATOR_REFUSED', at, `${operator} is not part of the filter language here.`);
    }
    const list = listOf(operand, at);
    if (list.length === 0) {
      throw refuse('FILTER_INVALID', at, `${operator} takes a list of at least one filter.`);
    }
    return combine(list.map((item, index) => this.document(item, `${at}[${index}]`, depth + 1)));
  }

  private field(name: string, operand: unknown, at: string, depth: number): Filter {
    const field = parseField(name, at);
    if (isOperators(operand)) {
      return this.operators(field, operand, at, depth);
    }
    return this.equals(field, [operand], at);
  }

  private operators(field: Field, value: unknown, at: string, depth: number): Filter {
    const operators = entriesOf(value, at, 'operators stand in an object, such as {"$gt": 5}.');
    if (operators.length === 0) {
      throw refuse('FILTER_INVALID', at, 'at least one operator is needed here.');
    }
    const options = operators.find(([name]) => name === '$options');
    if (options !== undefined && !operators.some(([name]) => name === '$regex')) {
      throw refuse('FILTER_INVALID', at, '$options belongs to a $regex beside it.');
    }
    const parts = operators
      .filter(([name]) => name !== '$options')
      .map(([name, operand]) =>
        this.operator(field, name, operand, { at: `${at}.${name}`, depth, options: options?.[1] }),
      );
    return allOf(parts);
  }

  private operator(field: Field, name: string, operand: unknown, context: OperatorContext): Filter {
    const { at, depth } = context;
    switch (name) {
      case '$eq':
        return this.equals(field, [operand], at);
      case '$ne':
        return not(this.equals(field, [operand], at));
      case '$in':
        return this.equals(field, listOf(operand, at), at);
      case '$nin':
        return not(this.equals(field, listOf(operand, at), at));
      case '$all':
        return this.all(field, listOf(operand, at), at);
      case '$gt':
      case '$gte':
      case '$lt':
      case '$lte':
        return this.condition(field, {
          op: 'compare',
          relation: name.slice(1) as Relation,
          value: parseOrdered(field, operand, at),
        });
      case '$exists':
        return this.exists(field, operand, at);
      case '$regex':
        return this.matches(field, operand, context);
      case '$not':
        if (depth >= MAX_DEPTH) {
          throw refuse('FILTER_TOO_LARGE', at, `it may be nested ${MAX_DEPTH} levels deep.`);
        }
        return not(this.operators(field, operand, at, depth + 1));
      default:
        throw refuse('FILTER_OPERATOR_REFUSED', at, `${name} is not part of the filter language here.`);
    }
  }

  /** One of `values`; null means "is null or not there". */
  private equals(field: Field, values: readonly unknown[], at: string): Filter {
    const scalars = values.filter((value) => value !== null).map((value) => parseScalar(field, value, at));
    const parts: Filter[] = scalars.length === 0 ? [] : [this.condition(field, { op: 'equals', values: scalars })];
    if (scalars.length < values.length) {
      parts.push(this.missingOrNull(field));
    }
    return anyOf(parts);
  }

  private missingOrNull(field: Field): Filter {
    if (field.kind === 'column') {
      return field.isNullable ? this.condition(field, { op: 'null' }) : NOTHING;
    }
    return anyOf([not(this.condition(field, { op: 'exists' })), this.condition(field, { op: 'null' })]);
  }

  private all(field: Field, values: readonly unknown[], at: string): Filter {
    return values.length === 0 ? NOTHING : allOf(values.map((value) => this.equals(field, [value], at)));
  }

  private exists(field: Field, operand: unknown, at: string): Filter {
    if (typeof operand !== 'boolean') {
      throw refuse('FILTER_VALUE_INVALID', at, '$exists takes true or false.');
    }
    const exists = field.kind === 'column' ? EVERYTHING : this.condition(field, { op: 'exists' });
    return operand ? exists : not(exists);
  }

  private matches(field: Field, operand: unknown, { at, options }: OperatorContext): Filter {
    if (field.kind === 'column' && field.type !== 'text') {
      throw refuse('FILTER_VALUE_INVALID', at, 'a pattern needs a field that holds text.');
    }
    if (typeof operand !== 'string') {
      throw refuse('FILTER_VALUE_INVALID', at, '$regex takes a text.');
    }
    if (options !== undefined && options !== '' && options !== 'i') {
      throw refuse('FILTER_REGEX_REFUSED', at, '$options may be "i" (letters A-Z in any case) only.');
    }
    return this.condition(field, { op: 'matches', pattern: parseRegex(operand, { ignoreCase: options === 'i' }, at) });
  }

  private condition(field: Field, test: Test): Filter {
    this.conditions += 1;
    if (this.conditions > MAX_CONDITIONS) {
      throw refuse('FILTER_TOO_LARGE', '', `it may have ${MAX_CONDITIONS} conditions; use $in for lists of values.`);
    }
    return { kind: 'condition', field, test };
  }
}

interface OperatorContext {
  at: string;
  depth: number;
  /** The `$options` beside a `$regex`. */
  options: unknown;
}

const LOGICAL = new Map<string, (parts: Filter[]) => Filter>([
  ['$and', allOf],
  ['$or', anyOf],
  ['$nor', (parts) => not(anyOf(parts))],
]);

function isOperators(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).some((key) => key.startsWith('$'));
}

function entriesOf(value: unknown, at: string, rule: string): [string, unknown][] {
  if (!isPlainObject(value)) {
    throw refuse('FILTER_INVALID', at, rule);
  }
  return Object.entries(value);
}

function listOf(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) {
    throw refuse('FILTER_INVALID', at, 'a list is needed here.');
  }
  if (value.length > MAX_LIST) {
    throw refuse('FILTER_TOO_LARGE', at, `a list may have ${MAX_LIST} entries.`);
  }
  return value;
}
