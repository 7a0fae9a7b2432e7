import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlArray, sqlColumns } from '../../src/platform/database/index.js';
import type { SqlElements } from '../../src/platform/database/sql-array.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

/** What PostgreSQL cannot store in text at all. */
const storable = (text: string) => !text.includes('\0');

const ELEMENTS: { [Type in keyof SqlElements]: fc.Arbitrary<SqlElements[Type]> } = {
  bool: fc.boolean(),
  bytea: fc.uint8Array({ maxLength: 300 }),
  int4: fc.integer(),
  int8: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger(), fc.constant('-12')),
  jsonb: fc.jsonValue().map((value) => JSON.stringify(value).replaceAll('\\u0000', '')),
  text: fc.string({ unit: 'grapheme', maxLength: 300 }).filter(storable),
  timestamptz: fc.date({ min: new Date('0001-01-01Z'), max: new Date('9999-12-31Z'), noInvalidDate: true }),
};

/** How the driver's own form of the same value is written; it is the referee. */
function ownForm(value: unknown): unknown {
  if (value instanceof Date) {
    // Its own form of a date is in local time, and wrong for years below 1000.
    return value.toISOString();
  }
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

describe('sqlArray', () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  test.each(Object.keys(ELEMENTS) as (keyof SqlElements)[])(
    'tells the server the same elements of type %s as the driver does in its own form',
    async (type) => {
      const column = fc.array(fc.option(ELEMENTS[type] as fc.Arbitrary<SqlElements[typeof type]>), { maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(column, async (values) => {
          const { rows } = await client.query<{ same: boolean; length: number }>(
            `SELECT $1::${type}[] IS NOT DISTINCT FROM $2::${type}[] AS same, cardinality($1::${type}[]) AS length`,
            [sqlArray(type, values), values.map(ownForm)],
          );
          expect(rows[0]).toEqual({ same: true, length: values.length });
        }),
        { numRuns: 150 },
      );
    },
  );

  test('repeats what all rows say alike, null included', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => ({ id: index, state: 'queued', reason: null }));
    const column = sqlColumns(rows);

    const answer = await client.query<object>(
      `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids, min(state) AS first, max(state) AS last,
         count(reason)::int AS reasons
       FROM unnest($1::int4[], $2::text[], $3::text[]) AS told (id, state, reason)`,
      [column('int4', (row) => row.id), column('text', (row) => row.state), column('text', (row) => row.reason)],
    );

    expect(answer.rows).toEqual([{ rows: 500, ids: 500, first: 'queued', last: 'queued', reasons: 0 }]);
  });

  test('refuses a number that does not fit', () => {
    expect(() => sqlArray('int8', [1.5])).toThrow(RangeError);
  });
});
