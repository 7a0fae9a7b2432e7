import type { Metadata } from 'h5wasm';
import { shortFloat32 } from '../numbers.js';
import { newTree } from '../reading-draft.js';
import { CLASS } from './hdf5-types.js';

const SPACE_PADDED = 2;

/**
 * The value that the library has put into memory: a scalar, or lists nested as the shape says. Compounds become objects,
 * enumerations their names (those of FALSE and TRUE booleans), integers beyond 2^53 bigints.
 *
 * @param textAt Reads the text that a pointer of the library leads to.
 */
export function decodeValue(bytes: Uint8Array, type: Metadata, textAt: (pointer: number) => string): unknown {
  const decoding = new Decoding(bytes, textAt);
  const shape = type.shape ?? [];
  // The library turns plain numbers into little-endian ones on the way; within compounds and enumerations it does not.
  const isTurned = type.type === CLASS.integer || type.type === CLASS.float || type.type === CLASS.array;
  const element = isTurned ? asLittleEndian(type) : type;
  return decoding.nested(element, 0, shape);
}

function asLittleEndian(type: Metadata): Metadata {
  const { array_type: base } = type;
  return { ...type, littleEndian: true, ...(base === undefined ? {} : { array_type: asLittleEndian(base) }) };
}

class Decoding {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly textAt: (pointer: number) => string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Elements one after the other from `at` on; without a shape the only one. */
  nested(type: Metadata, at: number, shape: readonly number[]): unknown {
    const [length, ...rest] = shape;
    if (length === undefined) {
      return this.one(type, at);
    }
    const step = rest.reduce((product, size) => product * size, type.size);
    return Array.from({ length }, (_, index) => this.nested(type, at + index * step, rest));
  }

  private one(type: Metadata, at: number): unknown {
    if (at + type.size > this.bytes.length) {
      throw new Error('its type reaches beyond its value');
    }
    switch (type.type) {
      case CLASS.integer:
        return this.integer(type, at);
      case CLASS.float:
        return type.size === 8
          ? this.view.getFloat64(at, type.littleEndian)
          : shortFloat32(this.view.getFloat32(at, type.littleEndian));
      case CLASS.string:
        return type.vlen ? this.variableText(at) : this.fixedText(type, at);
      case CLASS.enum:
        return this.name(type, at);
      case CLASS.compound:
        return newTree(
          (type.compound_type?.members ?? []).map(
            (member) => [member.name, this.one(member, at + member.offset)] as const,
          ),
        );
      case CLASS.array:
        return type.array_type === undefined ? null : this.nested(type.array_type, at, type.array_type.shape ?? []);
      default:
        return null;
    }
  }

  private integer({ size, signed, littleEndian }: Metadata, at: number): number | bigint {
    const { view } = this;
    switch (size) {
      case 8:
        return signed ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian);
      case 4:
        return signed ? view.getInt32(at, littleEndian) : view.getUint32(at, littleEndian);
      case 2:
        return signed ? view.getInt16(at, littleEndian) : view.getUint16(at, littleEndian);
      default:
        return signed ? view.getInt8(at) : view.getUint8(at);
    }
  }

  private variableText(at: number): string {
    const pointer = this.view.getUint32(at, true);
    return pointer === 0 ? '' : this.textAt(pointer);
  }

  private fixedText({ size, strpad }: Metadata, at: number): string {
    const bytes = this.bytes.subarray(at, at + size);
    const end = bytes.indexOf(0);
    const text = Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8');
    return strpad === SPACE_PADDED ? text.trimEnd() : text;
  }

  private name(type: Metadata, at: number): unknown {
    const value = Number(this.integer(type, at));
    const names = Object.entries(type.enum_type?.members ?? {});
    const name = names.find(([, number]) => number === value)?.[0];
    const isBoolean = names.length === 2 && names.every(([each]) => each === 'TRUE' || each === 'FALSE');
    return isBoolean && name !== undefined ? name === 'TRUE' : (name ?? value);
  }
}
