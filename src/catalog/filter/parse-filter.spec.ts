import { describe, expect, it } from 'vitest';
import { StationError } from '../../kernel/errors.js';
import { filterToMongo } from './filter-to-mongo.js';
import { filterToSql, SqlParameters } from './filter-to-sql.js';
import { parseFilter, parseFilterText } from './parse-filter.js';

function refusal(filter: unknown): { code: string; at: unknown } | undefined {
  try {
    parseFilter(filter);
    return undefined;
  } catch (error) {
    return error instanceof StationError ? { code: error.code, at: error.details['at'] } : undefined;
  }
}

/** `depth` filters within each other. */
function nested(depth: number): unknown {
  return depth === 0 ? { name: 'a' } : { $and: [nested(depth - 1)] };
}

describe('parseFilter', () => {
  it.each([
    ['$where', { $where: 'sleep(1000)' }, '$where'],
    ['$expr', { $expr: { $gt: ['$a', 1] } }, '$expr'],
    ['$function', { $and: [{ $function: {} }] }, '$and[0].$function'],
    ['an inherited name', { $constructor: [] }, '$constructor'],
    ['$elemMatch', { 'metadata.a': { $elemMatch: { b: 1 } } }, 'metadata.a.$elemMatch'],
    ['an operator beside a key', { 'metadata.a': { $gt: 1, b: 2 } }, 'metadata.a.b'],
    ['$where below $not', { name: { $not: { $where: '1' } } }, 'name.$not.$where'],
  ])('refuses %s, and says where', (_name, filter, at) => {
    expect(refusal(filter)).toEqual({ code: 'FILTER_OPERATOR_REFUSED', at });
  });

  it.each([
    ['an unknown field', { size: 1 }],
    ['the metadata as a whole', { metadata: 1 }],
    ['an empty key', { 'metadata..a': 1 }],
    ['a backslash before anything else', { 'metadata.\\n': 1 }],
    ['a field by an inherited name', { constructor: 1 }],
  ])('refuses %s', (_name, filter) => {
    expect(refusal(filter)?.code).toBe('FILTER_FIELD_UNKNOWN');
  });

  it.each([
    ['an object to compare with', { 'metadata.a': { b: 1 } }],
    ['a list to compare with', { 'metadata.a': [1] }],
    ['text where a number is', { sizeBytes: '5' }],
    ['a number where text is', { path: 5 }],
    ['a time that is none', { storedAt: 'yesterday' }],
    ['a day that is none', { storedAt: '2026-13-01' }],
    ['an order of true', { 'metadata.a': { $gt: true } }],
    ['an order of null', { 'metadata.a': { $lte: null } }],
    ['a pattern on numbers', { sizeBytes: { $regex: '1' } }],
    ['$exists with 1', { 'metadata.a': { $exists: 1 } }],
    ['U+0000 in a field that never holds it', { path: 'a\u0000' }],
  ])('refuses %s', (_name, filter) => {
    expect(refusal(filter)?.code).toBe('FILTER_VALUE_INVALID');
  });

  it.each([
    ['a list', []],
    ['nothing', null],
    ['$or of nothing', { $or: [] }],
    ['$and of an object', { $and: {} }],
    ['$in without a list', { name: { $in: 'a' } }],
    ['$options without $regex', { name: { $options: 'i', $eq: 'a' } }],
    ['an empty $not', { name: { $not: {} } }],
  ])('refuses %s', (_name, filter) => {
    expect(refusal(filter)?.code).toBe('FILTER_INVALID');
  });

  it('is bounded in depth, in conditions and in lists', () => {
    expect(refusal(nested(9))).toBeUndefined();
    expect(refusal(nested(10))?.code).toBe('FILTER_TOO_LARGE');
    const conditions = (count: number) => ({ $or: Array.from({ length: count }, () => ({ name: 'a' })) });
    expect(refusal(conditions(200))).toBeUndefined();
    expect(refusal(conditions(201))?.code).toBe('FILTER_TOO_LARGE');
    expect(refusal({ name: { $in: Array(1001).fill('a') } })?.code).toBe('FILTER_TOO_LARGE');
    expect(refusal(JSON.parse(`${'{"$nor":['.repeat(5000)}{}${']}'.repeat(5000)}`))?.code).toBe('FILTER_TOO_LARGE');
  });

  it('says what JSON it wants when the text is none', () => {
    expect(() => parseFilterText('{name: 1}')).toThrow(/must be JSON, such as/);
    expect(() => parseFilterText(`"${'x'.repeat(70_000)}"`)).toThrow(/65536 characters/);
  });
});

describe('filterToSql', () => {
  it('sends every value as a parameter', () => {
    const evil = `'; DROP TABLE catalog_file; --`;
    const filter = parseFilter({
      [`metadata.${evil}"`]: evil,
      path: evil,
      name: { $regex: 'DROP' },
      md5Sum: { $gt: evil },
    });
    const parameters = new SqlParameters();
    const sql = filterToSql(filter, parameters);
    expect(sql).toBe('(metadata @? $1::jsonpath AND path_hash = $2::bytea AND name ~ $3 AND md5_sum > $4::text)');
    expect(parameters.values[0]).toBe(
      `$."'; DROP TABLE catalog_file; --\\"" ? (@.type() != "array" && (@ == "'; DROP TABLE catalog_file; --"))`,
    );
  });

  it('compares whole numbers with whole numbers, so that their index can serve', () => {
    const sql = (operand: Record<string, number>) => {
      const parameters = new SqlParameters();
      return [filterToSql(parseFilter({ sizeBytes: operand }), parameters), ...parameters.values];
    };
    expect(sql({ $gt: 1.5 })).toEqual(['size_bytes > $1::bigint', '1']);
    expect(sql({ $gte: 1.5 })).toEqual(['size_bytes >= $1::bigint', '2']);
    expect(sql({ $lt: 1.5 })).toEqual(['size_bytes < $1::bigint', '2']);
    expect(sql({ $lte: 1.5 })).toEqual(['size_bytes <= $1::bigint', '1']);
    expect(sql({ $lt: 1e30 })).toEqual(['true']);
    expect(sql({ $gt: 1e30 })).toEqual(['false']);
    expect(sql({ $gt: -1e30 })).toEqual(['true']);
  });
});

describe('filterToMongo', () => {
  it('can only produce operators of a short list', () => {
    const filter = parseFilter({
      $or: [
        { 'metadata.$where': '$where' },
        { name: { $not: { $regex: 'a' } } },
        { 'metadata.a': { $nin: [null, 1] } },
      ],
      'metadata.b': { $gte: 'x', $exists: false },
    });
    const operators = JSON.stringify(filterToMongo(filter)).match(/"\$\w+":/g);
    expect(new Set(operators)).toEqual(
      new Set(['"$and":', '"$or":', '"$in":', '"$nor":', '"$regex":', '"$exists":', '"$type":', '"$gte":']),
    );
  });
});
