import fc from 'fast-check';
import { Query } from 'mingo';
import type { Metadata, NewCatalogFile } from '../../../src/catalog/index.js';
import { filterToMongo, type MongoFilter } from '../../../src/catalog/filter/filter-to-mongo.js';
import type { RegexDialect } from '../../../src/catalog/filter/regex/print-regex.js';
import { parseFilter } from '../../../src/catalog/filter/parse-filter.js';
import { type MetadataForm, MONGO_FORM, toStored } from '../../../src/catalog/metadata/stored-metadata.js';

/*
 * Files and filters that meet: few keys and few values, so that a random filter matches some files and not others, and
 * everything in which databases differ is likely (null and missing, numbers as text, arrays, keys that look like
 * positions, texts that sort differently by byte and by UTF-16 unit).
 */

export interface Vocabulary {
  keys: readonly string[];
  texts: readonly string[];
  /** Null, and with it the question what is missing. */
  hasNull: boolean;
  hasAll: boolean;
}

/** What mingo reads in the original filter just as we do. (Its `$all` wants an array, against MongoDB's manual.) */
export const PLAIN: Vocabulary = {
  keys: ['a', 'b', 'c'],
  texts: ['', 'a', 'A', 'ab', 'abc', 'Z', '5', 'é', 'a\n', 'a.b'],
  hasNull: false,
  hasAll: false,
};

export const AWKWARD: Vocabulary = {
  ...PLAIN,
  keys: ['a', 'b', '0', 'x.y', '$k'],
  texts: [...PLAIN.texts, '\uFFFD', 'x\u0000', '\uD800', '\uD800\uFFFD'],
  hasNull: true,
  hasAll: true,
};

const NUMBERS = [0, 1, 5, -5, 0.1, 1e21, 2 ** 53] as const;

function scalarOf({ texts, hasNull }: Vocabulary): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...texts) },
    { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
    { weight: 1, arbitrary: fc.boolean() },
    ...(hasNull ? [{ weight: 2, arbitrary: fc.constant(null) }] : []),
  );
}

export function metadataOf(vocabulary: Vocabulary): fc.Arbitrary<Metadata> {
  const scalar = scalarOf(vocabulary);
  const key = fc.constantFrom(...vocabulary.keys);
  const { tree } = fc.letrec<{ tree: unknown; object: Metadata; list: unknown[]; inList: unknown }>((tie) => ({
    tree: fc.oneof({ maxDepth: 3 }, scalar, scalar, tie('object'), tie('list')),
    object: fc.dictionary(key, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
    // No array below an array: mingo goes its own ways there. The contract has cases for that, worked out by hand.
    list: fc.array(tie('inList'), { maxLength: 3 }),
    inList: fc.oneof({ maxDepth: 3 }, scalar, fc.dictionary(key, tie('inList'), { maxKeys: 3, noNullPrototype: true })),
  }));
  return fc.dictionary(key, tree, { maxKeys: 4, noNullPrototype: true });
}

/** Files with random metadata, one per path. */
export function filesOf(vocabulary: Vocabulary, count: number): fc.Arbitrary<NewCatalogFile[]> {
  const file = fc.record({
    sizeBytes: fc.constantFrom(0, 1, 5, 1000, 2 ** 40),
    md5Sum: fc.constantFrom(null, '0'.repeat(32), 'f'.repeat(32)),
    modifiedAt: fc.constantFrom('2026-11-20T08:00:00.000Z', '2026-11-20T08:00:00.001Z', '1999-12-31T23:59:59.999Z'),
    acquisitionId: fc.constantFrom(null, 'one', 'two'),
    metadata: metadataOf(vocabulary),
  });
  return fc.array(file, { minLength: count, maxLength: count }).map((list) =>
    list.map((facts, index) => ({
      ...facts,
      path: `data/${['a', 'B', 'é', 'a b'][index % 4]}/${index}.h5`,
      version: (index % 3) + 1,
      storedAt: facts.modifiedAt,
    })),
  );
}

/** Filters of the documented subset, as people write them. */
export function filterOf(vocabulary: Vocabulary): fc.Arbitrary<Record<string, unknown>> {
  return fc.letrec<{ filter: Record<string, unknown> }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      { weight: 6, arbitrary: metadataCondition(vocabulary) },
      { weight: 2, arbitrary: columnCondition(vocabulary) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('filter'), { minLength: 1, maxLength: 3 }))
          .map(([name, parts]) => ({ [name]: parts })),
      },
    ),
  })).filter;
}

function metadataCondition(vocabulary: Vocabulary): fc.Arbitrary<Record<string, unknown>> {
  const field = fc
    .array(fc.constantFrom(...vocabulary.keys), { minLength: 1, maxLength: 3 })
    .map((keys) => ['metadata', ...keys.map((key) => key.replace(/[.\\]/g, '\\$&'))].join('.'));
  const operator = metadataOperator(vocabulary);
  const test = fc.oneof(
    { weight: 1, arbitrary: scalarOf(vocabulary) },
    { weight: 4, arbitrary: operator },
    { weight: 1, arbitrary: operator.map((negated) => ({ $not: negated })) },
    { weight: 1, arbitrary: fc.tuple(operator, operator).map(([one, other]) => ({ ...one, ...other })) },
  );
  return fc.tuple(field, test).map(([name, operand]) => ({ [name]: operand }));
}

const PATTERNS = ['^a', 'b$', '.', 'a.b', 'a\\.b', '[a-z]b?', '[^a]', '^(a|Z)+c?$', '\\d', '\\W', '^.{1,2}$'] as const;

function metadataOperator(vocabulary: Vocabulary): fc.Arbitrary<Record<string, unknown>> {
  const scalar = scalarOf(vocabulary);
  const ordered = fc.constantFrom(...vocabulary.texts, ...NUMBERS);
  const of = (name: string, operand: fc.Arbitrary<unknown>) => operand.map((chosen) => ({ [name]: chosen }));
  return fc.oneof(
    of('$eq', scalar),
    of('$ne', scalar),
    of('$gt', ordered),
    of('$gte', ordered),
    of('$lt', ordered),
    of('$lte', ordered),
    of('$in', fc.array(scalar, { maxLength: 3 })),
    of('$nin', fc.array(scalar, { maxLength: 3 })),
    of('$exists', fc.boolean()),
    ...(vocabulary.hasAll ? [of('$all', fc.array(scalar, { maxLength: 2 }))] : []),
    regexOperator,
  );
}

const regexOperator = fc
  .constantFrom(...PATTERNS)
  .chain((text) => fc.constantFrom<Record<string, unknown>>({ $regex: text }, { $regex: text, $options: 'i' }));

const NUMBER_OPERANDS = [-1, 0, 1, 1.5, 2, 1000, 1e30, -1e30];
const TIME_OPERANDS = ['2026-11-20T08:00:00.001Z', '2026-11-20T09:00:00+01:00', '2000-01-01'];
const TEXT_OPERANDS = ['data/a/0.h5', 'data/é', '4.h5', 'data/a b/', 'one', 'f'.repeat(32)];

function columnCondition({ hasNull }: Vocabulary): fc.Arbitrary<Record<string, unknown>> {
  const relations = ['$gt', '$gte', '$lt', '$lte', '$eq', '$ne'];
  const condition = (fields: string[], names: string[], operands: unknown[]) =>
    fc
      .tuple(fc.constantFrom(...fields), fc.constantFrom(...names), fc.constantFrom(...operands))
      .map(([field, name, operand]) => ({ [field]: { [name]: operand } }));
  return fc.oneof(
    condition(['sizeBytes', 'version'], relations, NUMBER_OPERANDS),
    condition(['modifiedAt', 'createdAt', 'storedAt'], relations, TIME_OPERANDS),
    condition(['path', 'name', 'md5Sum', 'acquisitionId', 'jobId'], relations, TEXT_OPERANDS),
    condition(['path', 'name', 'acquisitionId'], ['$regex'], ['^data/[a-zé]/', '1\\.h5$', 'o']),
    ...(hasNull ? [condition(['md5Sum', 'path', 'jobId', 'sizeBytes'], ['$eq', '$ne'], [null])] : []),
    condition(['md5Sum', 'path', 'jobId', 'sizeBytes'], ['$exists'], [true, false]),
  );
}

/** As `PCRE_REGEX`, for JavaScript's own engine with the `u` flag, which mingo uses. */
const JAVASCRIPT_REGEX: RegexDialect = { codePoint: (codePoint) => `\\u{${codePoint.toString(16)}}`, end: '$' };

/** Paths of the files that match, by mingo: the translation to MongoDB, evaluated without any server. */
export function referenceMatches(source: Record<string, unknown>, files: readonly NewCatalogFile[]): string[] {
  return mingoMatches(forMingo(filterToMongo(parseFilter(source), JAVASCRIPT_REGEX)), files, MONGO_FORM);
}

/** Paths of the files that match the filter as it was written, by mingo alone; for the vocabulary `PLAIN`. */
export function plainMatches(source: Record<string, unknown>, files: readonly NewCatalogFile[]): string[] {
  return mingoMatches(withDates(source), files, AS_IT_IS);
}

const AS_IT_IS: MetadataForm = { storedKey: (key) => key, originalKey: (key) => key };

function mingoMatches(filter: unknown, files: readonly NewCatalogFile[], form: MetadataForm): string[] {
  const query = new Query(filter as Record<string, unknown>);
  return files
    .filter((file) => query.test(documentOf(file, form)))
    .map((file) => file.path)
    .sort();
}

/** A document as the MongoDB adapter stores it. */
function documentOf(file: NewCatalogFile, form: MetadataForm): Record<string, unknown> {
  const modifiedAt = new Date(file.modifiedAt);
  return {
    _id: file.path,
    path: file.path,
    name: file.path.slice(file.path.lastIndexOf('/') + 1),
    version: file.version ?? 1,
    sizeBytes: file.sizeBytes,
    md5Sum: file.md5Sum ?? null,
    createdAt: modifiedAt,
    modifiedAt,
    storedAt: new Date(file.storedAt ?? modifiedAt),
    acquisitionId: file.acquisitionId ?? null,
    jobId: null,
    metadata: toStored(file.metadata ?? {}, form),
  };
}

/** Two things that mingo does not do as MongoDB: patterns in the Unicode mode, and `$type` on an array's elements. */
function forMingo(filter: MongoFilter): unknown {
  const [key, operand] = Object.entries(filter)[0] ?? [];
  if (key === undefined) {
    return filter;
  }
  if (Array.isArray(operand)) {
    return { [key]: operand.map((part) => forMingo(part as MongoFilter)) };
  }
  const test = operand as Record<string, unknown>;
  if (test['$type'] !== undefined) {
    return { $or: [filter, { [key]: { $elemMatch: test } }] };
  }
  return test['$regex'] === undefined ? filter : { [key]: { $regex: new RegExp(test['$regex'] as string, 'u') } };
}

function withDates(node: unknown, field = ''): unknown {
  if (Array.isArray(node)) {
    return node.map((item) => withDates(item, field));
  }
  if (typeof node === 'object' && node !== null) {
    return Object.fromEntries(
      Object.entries(node).map(([key, item]) => [key, withDates(item, key.startsWith('$') ? field : key)]),
    );
  }
  return field.endsWith('At') && typeof node === 'string' ? new Date(node) : node;
}
