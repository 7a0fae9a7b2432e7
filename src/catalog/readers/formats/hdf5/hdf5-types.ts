import type { Metadata } from 'h5wasm';

/** The numbers of the library's type classes (`H5T_class_t`). */
export const CLASS = {
  integer: 0,
  float: 1,
  time: 2,
  string: 3,
  bitfield: 4,
  opaque: 5,
  compound: 6,
  reference: 7,
  enum: 8,
  variableLength: 9,
  array: 10,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  [CLASS.time]: 'time',
  [CLASS.string]: 'string',
  [CLASS.bitfield]: 'bitfield',
  [CLASS.opaque]: 'opaque',
  [CLASS.compound]: 'compound',
  [CLASS.enum]: 'enum',
  [CLASS.variableLength]: 'list',
  [CLASS.array]: 'array',
};

/** `float64`, `uint16`, `string`, `compound`, … as numpy calls them where numpy has a word. */
export function hdf5TypeName(type: Metadata): string {
  switch (type.type) {
    case CLASS.integer:
      return `${type.signed ? 'int' : 'uint'}${type.size * 8}`;
    case CLASS.float:
      return `float${type.size * 8}`;
    case CLASS.reference:
      return type.ref_type === 'region' ? 'region-reference' : 'reference';
    default:
      return NAMES[type.type] ?? 'unknown';
  }
}
