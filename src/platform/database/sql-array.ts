/** What one element of an array parameter may be, by the element's type in the database. */
export interface SqlElements {
  bool: boolean;
  bytea: Uint8Array;
  int4: number;
  /** Text is the form in which 64-bit numbers come back from the database. */
  int8: bigint | number | string;
  /** As JSON text. */
  jsonb: string;
  text: string;
  timestamptz: Date;
}

interface ElementForm<Value> {
  /** The type's number in PostgreSQL's catalog (`pg_type.dat`); it never changes. */
  oid: number;
  /** Bytes of one element. */
  length(value: Value): number;
  write(value: Value, into: Target, at: number, length: number): void;
}

/** The same memory twice: numbers are written faster by a view, bytes and text by a buffer. */
interface Target {
  bytes: Buffer;
  view: DataView;
}

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** The first version of jsonb's binary form, and so far the only one. */
const JSONB_VERSION = 1;
/** PostgreSQL counts from 2000-01-01 on. */
const EPOCH_MS = Date.UTC(2000, 0, 1);

const FORMS: { [Type in keyof SqlElements]: ElementForm<SqlElements[Type]> } = {
  bool: { oid: 16, length: () => 1, write: (value, { view }, at) => view.setUint8(at, value ? 1 : 0) },
  bytea: { oid: 17, length: (value) => value.length, write: (value, { bytes }, at) => bytes.set(value, at) },
  int4: { oid: 23, length: () => 4, write: (value, { view }, at) => view.setInt32(at, value) },
  int8: { oid: 20, length: () => 8, write: (value, { view }, at) => view.setBigInt64(at, BigInt(value)) },
  jsonb: {
    oid: 3802,
    length: (value) => 1 + Buffer.byteLength(value),
    write: (value, { bytes }, at, length) => {
      bytes[at] = JSONB_VERSION;
      bytes.write(value, at + 1, length - 1);
    },
  },
  text: {
    oid: 25,
    length: (value) => Buffer.byteLength(value),
    write: (value, { bytes }, at, length) => bytes.write(value, at, length),
  },
  timestamptz: {
    oid: 1184,
    length: () => 8,
    write: (value, { view }, at) => view.setBigInt64(at, BigInt(value.getTime() - EPOCH_MS) * 1000n),
  },
};

/**
 * An array as a parameter in PostgreSQL's binary form, for statements that take columns of hundreds of rows: the driver
 * sends a Buffer as it is. Measured (`npm run bench -- ingest`): the driver's own text form, with its quoting and bytes
 * in hex, took a third of the main thread's time for a file. The statement must name the type, such as `$1::bytea[]`.
 */
export function sqlArray<Type extends keyof SqlElements>(
  type: Type,
  values: readonly (SqlElements[Type] | null)[],
): Buffer {
  const form: ElementForm<SqlElements[Type]> = FORMS[type];
  const [first] = values;
  // A column that says the same of every row, such as a state: written once, and repeated.
  const distinct = first !== undefined && values.every((value) => value === first) ? [first] : values;
  const lengths = distinct.map((value) => (value === null ? 0 : form.length(value)));
  const bytes = lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0);
  const repeats = distinct === values ? 1 : values.length;
  const array = Buffer.allocUnsafe(HEADER_BYTES + bytes * repeats);
  const view = new DataView(array.buffer, array.byteOffset, array.byteLength);
  view.setInt32(0, 1); // dimensions
  view.setInt32(4, 1); // there may be nulls
  view.setInt32(8, form.oid);
  view.setInt32(12, values.length);
  view.setInt32(16, 1); // index of the first element
  writeElements(form, distinct, lengths, { bytes: array, view });
  if (repeats > 1) {
    array.fill(array.subarray(HEADER_BYTES, HEADER_BYTES + bytes), HEADER_BYTES + bytes);
  }
  return array;
}

function writeElements<Value>(
  form: ElementForm<Value>,
  values: readonly (Value | null)[],
  lengths: readonly number[],
  target: Target,
): void {
  let at = HEADER_BYTES;
  values.forEach((value, index) => {
    const length = lengths[index] ?? 0;
    target.view.setInt32(at, value === null ? -1 : length);
    at += LENGTH_BYTES;
    if (value !== null) {
      form.write(value, target, at, length);
      at += length;
    }
  });
}

/** For a statement that takes several columns of the same rows: `column('int8', (row) => row.id)` is one of them. */
export function sqlColumns<Row>(rows: readonly Row[]) {
  return <Type extends keyof SqlElements>(type: Type, value: (row: Row) => SqlElements[Type] | null): Buffer =>
    sqlArray(type, rows.map(value));
}
