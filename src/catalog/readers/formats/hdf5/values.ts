import type { Metadata } from 'h5wasm';
import { decodeValue } from './decode-value.js';
import { CLASS } from './hdf5-types.js';
import type { SandboxedHdf5 } from './sandboxed-hdf5.js';

/** A data set with more elements is told by its shape. */
const MOST_ELEMENTS = 32;
/** The same for attributes, which are shown with no shape, so more of them is kept. */
const MOST_ATTRIBUTE_ELEMENTS = 256;
/** Of one value; a longer text of fixed length is not read. */
const MOST_VALUE_BYTES = 65_536;
/** To read one element the library unpacks the whole chunk that it is in. */
const MOST_CHUNK_BYTES = 32 * 1024 * 1024;

type Library = SandboxedHdf5['library'];

/** The value of a data set that is small enough, nested as its shape says; else undefined. @throws Error */
export function readValue(library: Library, file: bigint, path: string, metadata: Metadata): unknown {
  const chunkElements = metadata.chunks?.reduce((product, size) => product * size, 1) ?? 0;
  if (!isReadable(metadata, MOST_ELEMENTS) || chunkElements * metadata.size > MOST_CHUNK_BYTES) {
    return undefined;
  }
  return read(library, metadata, {
    into: (pointer) => library.get_dataset_data(file, path, null, null, null, pointer),
    reclaim: (pointer) => library.reclaim_vlen_memory(file, path, '', pointer),
  });
}

/** The value of an attribute. A list of one element, as many writers make, is shown as that element. @throws Error */
export function readAttribute(library: Library, file: bigint, path: string, name: string): unknown {
  const metadata = library.get_attribute_metadata(file, path, name);
  if (metadata.shape === null) {
    return null;
  }
  if (!isReadable(metadata, MOST_ATTRIBUTE_ELEMENTS)) {
    return `${metadata.total_size} elements`;
  }
  const value = read(library, metadata, {
    into: (pointer) => library.get_attribute_data(file, path, name, pointer),
    reclaim: (pointer) => library.reclaim_vlen_memory(file, path, name, pointer),
  });
  return metadata.total_size === 1 ? innermost(value) : value;
}

/**
 * Reads into memory of the library and decodes it. The package's own `value` does not look whether reading succeeded, and
 * then decodes what stood in that memory before: parts of other files, and pointers that lead anywhere.
 */
function read(
  library: Library,
  metadata: Metadata,
  data: { into(pointer: bigint): number; reclaim(pointer: bigint): number },
): unknown {
  const length = metadata.size * metadata.total_size;
  if (length === 0) {
    return [];
  }
  const pointer = library._malloc(length);
  if (pointer === 0) {
    throw new Error(`no memory for ${length} bytes`);
  }
  try {
    library.HEAPU8.fill(0, pointer, pointer + length);
    if (data.into(BigInt(pointer)) < 0) {
      throw new Error('its value cannot be read');
    }
    const bytes = library.HEAPU8.slice(pointer, pointer + length);
    // The package's types leave the second argument out.
    const textAt = library.UTF8ToString as (pointer: number, mostBytes: number) => string;
    try {
      return decodeValue(bytes, metadata, (text) => textAt(text, MOST_VALUE_BYTES));
    } finally {
      if (hasVariableLength(metadata)) {
        data.reclaim(BigInt(pointer));
      }
    }
  } finally {
    library._free(pointer);
  }
}

function isReadable(metadata: Metadata, mostElements: number): boolean {
  return (
    metadata.shape !== null &&
    metadata.total_size <= mostElements &&
    metadata.size * metadata.total_size <= MOST_VALUE_BYTES &&
    hasPlainType(metadata)
  );
}

/** References, opaque bytes and the like mean nothing outside the file; numbers of odd sizes are met nowhere. */
function hasPlainType(type: Metadata): boolean {
  switch (type.type) {
    case CLASS.integer:
      return [1, 2, 4, 8].includes(type.size);
    case CLASS.float:
      return type.size === 4 || type.size === 8;
    case CLASS.string:
      return true;
    case CLASS.enum:
      return type.enum_type?.type === CLASS.integer && [1, 2, 4, 8].includes(type.size);
    case CLASS.compound:
      return type.compound_type?.members.every(hasPlainType) ?? false;
    case CLASS.array:
      return type.array_type !== undefined && hasPlainType(type.array_type);
    default:
      return false;
  }
}

function hasVariableLength(type: Metadata): boolean {
  return (
    type.vlen ||
    (type.compound_type?.members.some(hasVariableLength) ?? false) ||
    (type.array_type !== undefined && hasVariableLength(type.array_type))
  );
}

function innermost(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? innermost(value[0]) : value;
}
