import { storedMongoKey, storedText } from '../metadata/stored-text.js';
import type { Field, Filter, Scalar, Test } from './filter-ast.js';
import { PCRE_REGEX, printRegex, type RegexDialect } from './regex/print-regex.js';

export type MongoFilter = Record<string, unknown>;

/** BSON's number of the null type: unlike `null` as an operand it does not match what is missing. */
const BSON_NULL = 10;

/**
 * Writes a filter for MongoDB in its least ambiguous operators: what is missing, what is null and what is an array is
 * always said explicitly, so that servers (and evaluators such as mingo) cannot differ.
 */
export function filterToMongo(filter: Filter, dialect: RegexDialect = PCRE_REGEX): MongoFilter {
  switch (filter.kind) {
    case 'and':
      return filter.parts.length === 0 ? {} : { $and: filter.parts.map((part) => filterToMongo(part, dialect)) };
    case 'or':
      // An empty $or is an error there; every document has an _id.
      return filter.parts.length === 0
        ? { _id: { $exists: false } }
        : { $or: filter.parts.map((part) => filterToMongo(part, dialect)) };
    case 'not':
      return { $nor: [filterToMongo(filter.part, dialect)] };
    case 'condition':
      return { [mongoPath(filter.field)]: mongoTest(filter.test, dialect, filter.field) };
  }
}

function mongoPath(field: Field): string {
  return field.kind === 'column' ? field.name : ['metadata', ...field.path.map(storedMongoKey)].join('.');
}

function mongoTest(test: Test, dialect: RegexDialect, field: Field): unknown {
  switch (test.op) {
    case 'exists':
      return { $exists: true };
    case 'null':
      return { $type: BSON_NULL };
    case 'equals':
      return { $in: test.values.map((value) => operand(value, field)) };
    case 'compare':
      return { [`$${test.relation}`]: operand(test.value, field) };
    case 'matches':
      return { $regex: printRegex(test.pattern, dialect) };
  }
}

function operand(value: Scalar, field: Field): Scalar {
  return typeof value === 'string' && field.kind === 'metadata' ? storedText(value) : value;
}
