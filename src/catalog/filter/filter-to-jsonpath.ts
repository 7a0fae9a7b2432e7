import { storedText } from '../metadata/stored-text.js';
import type { Relation, Scalar, Test } from './filter-ast.js';
import { POSTGRES_REGEX, printRegex } from './regex/print-regex.js';

const RELATIONS: Record<Relation, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/**
 * One test on metadata as an SQL/JSON path (lax mode) for the operator `@?`. Lax mode looks through an array on the
 * way to a key, and through one that a filter is applied to, one level each: just what MongoDB does. Inside a filter it
 * would unwrap a second level, which the guards on the type prevent.
 */
export function testToJsonPath(path: readonly string[], test: Test): string {
  const target = `$${path.map((key) => `.${quoted(key)}`).join('')}`;
  switch (test.op) {
    case 'exists':
      return target;
    case 'null':
      return `${target} ? (@.type() == "null")`;
    case 'equals':
      return `${target} ? (${SCALAR} && (${test.values.map((value) => `@ == ${literal(value)}`).join(' || ')}))`;
    case 'compare':
      return `${target} ? (${SCALAR} && @ ${RELATIONS[test.relation]} ${literal(test.value)})`;
    case 'matches':
      // Flag s: without it a negated class would not match a line feed.
      return `${target} ? (@.type() == "string" && @ like_regex ${JSON.stringify(printRegex(test.pattern, POSTGRES_REGEX))} flag "s")`;
  }
}

const SCALAR = '@.type() != "array"';

/** The escapes of JSON are those of jsonpath, too. */
function quoted(text: string): string {
  return JSON.stringify(storedText(text));
}

function literal(value: Scalar): string {
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}
