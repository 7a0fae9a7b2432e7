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
  write(value: Value, into: Buffer, at: number, length: number): void;
}

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** The first version of jsonb's binary form, and so far the only one. */
const JSONB_VERSION = 1;
/** PostgreSQL counts from 2000-01-01 on. */
const EPOCH_MS = Date.UTC(2000, 0, 1);

const FORMS: { [Type in keyof SqlElements]: ElementForm<SqlElements[Type]> } = {
  bool: { oid: 16, length: () => 1, write: (value, into, at) => into.writeUInt8(value ? 1 : 0, at) },
  bytea: { oid: 17, length: (value) => value.length, write: (value, into, at) => into.set(value, at) },
  int4: { oid: 23, length: () => 4, write: (value, into, at) => into.writeInt32BE(value, at) },
  int8: { oid: 20, length: () => 8, write: (value, into, at) => into.writeBigInt64BE(BigInt(value), at) },
  jsonb: {
    oid: 3802,
    length: (value) => 1 + Buffer.byteLength(value),
    write: (value, into, at, length) => {
      into.writeUInt8(JSONB_VERSION, at);
      into.write(value, at + 1, length - 1);
    },
  },
  text: {
    oid: 25,
    length: (value) => Buffer.byteLength(value),
    write: (value, into, at, length) => into.write(value, at, length),
  },
  timestamptz: {
    oid: 1184,
    length: () => 8,
    write: (value, into, at) => into.writeBigInt64BE(BigInt(value.getTime() - EPOCH_MS) * 1000n, at),
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
  let bytes = HEADER_BYTES;
  const lengths = values.map((value) => {
    const length = value === null ? 0 : form.length(value);
    bytes += LENGTH_BYTES + length;
    return length;
  });
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(1, 4); // there may be nulls
  array.writeInt32BE(form.oid, 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16); // index of the first element
  let at = HEADER_BYTES;
  values.forEach((value, index) => {
    const length = lengths[index] ?? 0;
    array.writeInt32BE(value === null ? -1 : length, at);
    at += LENGTH_BYTES;
    if (value !== null) {
      form.write(value, array, at, length);
      at += length;
    }
  });
  return array;
}

/** For a statement that takes several columns of the same rows: `column('int8', (row) => row.id)` is one of them. */
export function sqlColumns<Row>(rows: readonly Row[]) {
  return <Type extends keyof SqlElements>(type: Type, value: (row: Row) => SqlElements[Type] | null): Buffer =>
    sqlArray(type, rows.map(value));
}
