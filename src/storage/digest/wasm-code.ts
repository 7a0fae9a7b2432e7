/**
 * A small assembler for WebAssembly: expressions are put into each other, so that code reads like a formula. It has the
 * operations that the digests use, under the names of the specification (core 2.0, section 5.4).
 */
export type Code = number | readonly Code[];

export const I32 = 0x7f;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof V128;

const EMPTY_BLOCK = 0x40;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

function vectorOf(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
}

function flat(code: Code, into: number[] = []): number[] {
  if (typeof code === 'number') {
    into.push(code);
  } else {
    for (const part of code) {
      flat(part, into);
    }
  }
  return into;
}

/** Vector operations follow a prefix, with numbers of their own. */
function simd(operation: number): Code {
  return [0xfd, unsigned(operation)];
}

/** A variable of a function. */
export class Local {
  readonly get: Code;

  constructor(private readonly index: number) {
    this.get = [0x20, unsigned(index)];
  }

  set(value: Code): Code {
    return [value, 0x21, unsigned(this.index)];
  }

  /** Sets it and goes on with the value. */
  tee(value: Code): Code {
    return [value, 0x22, unsigned(this.index)];
  }
}

/** What has been computed before and lies on the stack. */
export const ON_STACK: Code = [];

export const i32 = {
  const: (value: number): Code => [0x41, signed(value)],
  load: (address: Code, offset: number): Code => [address, 0x28, 2, unsigned(offset)],
  store: (address: Code, offset: number, value: Code): Code => [address, value, 0x36, 2, unsigned(offset)],
  add: (x: Code, y: Code): Code => [x, y, 0x6a],
  sub: (x: Code, y: Code): Code => [x, y, 0x6b],
  and: (x: Code, y: Code): Code => [x, y, 0x71],
  or: (x: Code, y: Code): Code => [x, y, 0x72],
  xor: (x: Code, y: Code): Code => [x, y, 0x73],
  rotl: (x: Code, bits: number): Code => [x, i32.const(bits), 0x77],
};

export const v128 = {
  load: (address: Code, offset: number): Code => [address, simd(0), 0, unsigned(offset)],
  load32Splat: (address: Code, offset: number): Code => [address, simd(9), 2, unsigned(offset)],
  store: (address: Code, offset: number, value: Code): Code => [address, value, simd(11), 0, unsigned(offset)],
  /** Words of `x` and `y` by index: 0–3 are those of `x`, 4–7 those of `y`. */
  shuffleWords: (x: Code, y: Code, words: readonly [number, number, number, number]): Code => [
    x,
    y,
    simd(13),
    words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
  ],
  not: (x: Code): Code => [x, simd(77)],
  and: (x: Code, y: Code): Code => [x, y, simd(78)],
  /** x and not y. */
  andNot: (x: Code, y: Code): Code => [x, y, simd(79)],
  or: (x: Code, y: Code): Code => [x, y, simd(80)],
  xor: (x: Code, y: Code): Code => [x, y, simd(81)],
};

export const i32x4 = {
  shl: (x: Code, bits: number): Code => [x, i32.const(bits), simd(171)],
  shrUnsigned: (x: Code, bits: number): Code => [x, i32.const(bits), simd(173)],
  add: (x: Code, y: Code): Code => [x, y, simd(174)],
};

/** Repeats `body` for as long as `condition` is not zero at its end. */
export function doWhile(body: Code, condition: Code): Code {
  return [0x03, EMPTY_BLOCK, body, condition, 0x0d, 0, 0x0b];
}

/** A function of one 32-bit parameter, without a result. */
export class FunctionBuilder {
  readonly parameter = new Local(0);
  private readonly types: ValueType[] = [];

  constructor(readonly name: string) {}

  local(type: ValueType): Local {
    this.types.push(type);
    return new Local(this.types.length);
  }

  locals(count: number, type: ValueType): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  code(body: Code): Code {
    return sized([vectorOf(this.types.map((type) => [1, type])), body, 0x0b]);
  }
}

const TYPE = [0x60, vectorOf([I32]), vectorOf([])];
const SHARED_WITH_MAXIMUM = 3;

export interface BuiltFunction {
  builder: FunctionBuilder;
  body: Code;
}

/** A module that imports its memory as `env.memory` (shared: threads work on the same one) and exports its functions. */
export function moduleOf(
  functions: readonly BuiltFunction[],
  minimumPages: number,
  maximumPages: number,
): Uint8Array<ArrayBuffer> {
  const memory = [SHARED_WITH_MAXIMUM, unsigned(minimumPages), unsigned(maximumPages)];
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      [1, sized(vectorOf([TYPE]))],
      [2, sized(vectorOf([[text('env'), text('memory'), 2, memory]]))],
      [3, sized(vectorOf(functions.map(() => 0)))],
      [7, sized(vectorOf(functions.map(({ builder }, index) => [text(builder.name), 0, unsigned(index)])))],
      [10, sized(vectorOf(functions.map(({ builder, body }) => builder.code(body))))],
    ]),
  );
}

function text(value: string): Code {
  return vectorOf([...Buffer.from(value)]);
}
