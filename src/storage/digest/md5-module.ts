import {
  type BuiltFunction,
  type Code,
  doWhile,
  FunctionBuilder,
  I32,
  i32,
  i32x4,
  type Local,
  moduleOf,
  ON_STACK,
  V128,
  v128,
  type ValueType,
} from './wasm-code.js';

/**
 * MD5 (RFC 1321) of several contents side by side. Each of its 64 steps waits for the one before, so one content leaves
 * most of a core idle; several fill it: two in plain registers, four in the words of a vector, eight in two vectors.
 *
 * `advance<N>(blocks)` takes the contents of the first N lanes `blocks` blocks of 64 bytes on:
 * - at `STATE` lie, per group of four lanes, the words A, B, C and D, each of the four lanes side by side (16 bytes);
 * - at `POINTERS`, per lane, the address of its next block, which moves on.
 */
export const LANES = 8;
export const LAYOUT = {
  STATE: 0,
  POINTERS: 128,
  /** The sines of the RFC, which whoever makes the memory puts there. */
  SINES: 256,
  /** Nothing of the module's from here on. */
  FREE: 512,
} as const;

export const SINE_WORDS = Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));

export const INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;

type Four<T> = readonly [T, T, T, T];

/** What differs between the four rounds of 16 steps; `word` says which word of the block a step takes. */
const ROUNDS: Four<{
  rotations: Four<number>;
  word(step: number): number;
  /** `early` plus the round's function of b, c and d. */
  mix(words: Words, early: Code, b: Code, c: Code, d: Code): Code;
}> = [
  {
    rotations: [7, 12, 17, 22],
    word: (step) => step,
    mix: ({ add, and, xor }, early, b, c, d) => add(early, xor(d, and(b, xor(c, d)))),
  },
  {
    rotations: [5, 9, 14, 20],
    word: (step) => 5 * step + 1,
    // Its two halves have no bit in common, so they can be added; only the second waits for b.
    mix: ({ add, and, andNot }, early, b, c, d) => add(add(early, andNot(c, d)), and(b, d)),
  },
  {
    rotations: [4, 11, 16, 23],
    word: (step) => 3 * step + 5,
    mix: ({ add, xor }, early, b, c, d) => add(early, xor(b, xor(c, d))),
  },
  {
    rotations: [6, 10, 15, 21],
    word: (step) => 7 * step,
    mix: ({ add, xor, orNot }, early, b, c, d) => add(early, xor(c, orNot(b, d))),
  },
];

/** How the word of one lane, or those of four in one vector, are computed with. */
interface Words {
  type: ValueType;
  load(address: Code, offset: number): Code;
  store(address: Code, offset: number, value: Code): Code;
  add(x: Code, y: Code): Code;
  and(x: Code, y: Code): Code;
  andNot(x: Code, y: Code): Code;
  orNot(x: Code, y: Code): Code;
  xor(x: Code, y: Code): Code;
  rotl(x: Code, bits: number, scratch: Local): Code;
  sine(step: number): Code;
}

const ZERO = i32.const(0);
const ALL_BITS = i32.const(-1);

const plain: Words = {
  ...i32,
  type: I32,
  andNot: (x, y) => i32.and(x, i32.xor(y, ALL_BITS)),
  orNot: (x, y) => i32.or(x, i32.xor(y, ALL_BITS)),
  sine: (step) => i32.const(SINE_WORDS[step] ?? 0),
};

const vector: Words = {
  ...v128,
  type: V128,
  add: i32x4.add,
  orNot: (x, y) => v128.or(x, v128.not(y)),
  rotl: (x, bits, scratch) => v128.or(i32x4.shl(scratch.tee(x), bits), i32x4.shrUnsigned(scratch.get, 32 - bits)),
  sine: (step) => v128.load32Splat(ZERO, LAYOUT.SINES + 4 * step),
};

/** One content, or four that share vectors. */
interface Strand {
  pointers: readonly Local[];
  /** A, B, C and D, and what they were before the block. */
  state: Four<Local>;
  before: Four<Local>;
  /** The 16 words of the block. */
  block: readonly Local[];
  scratch: Local;
  pointersAt: number;
  stateAt: number;
}

function advance(lanes: number, words: Words): BuiltFunction {
  const builder = new FunctionBuilder(`advance${lanes}`);
  const blocks = builder.parameter;
  const sine = builder.local(words.type);
  const strands = words.type === V128 ? strandsOfFour(builder, lanes / 4) : strandsOfOne(builder, lanes);
  const all = (make: (strand: Strand) => Code): Code => strands.map(make);
  const body = [
    all(({ pointers, pointersAt }) => pointers.map((at, lane) => at.set(i32.load(ZERO, pointersAt + 4 * lane)))),
    all(({ state, stateAt }) => state.map((word, index) => word.set(words.load(ZERO, stateAt + 16 * index)))),
    doWhile(
      [
        all(words.type === V128 ? loadFourBlocks : loadOneBlock),
        all(({ state, before }) => before.map((word, index) => word.set(state[index as 0].get))),
        Array.from({ length: 64 }, (_, step) => [
          sine.set(words.sine(step)),
          all((strand) => stepOf(strand, words, step, sine)),
        ]),
        all(({ state, before }) => state.map((word, index) => word.set(words.add(word.get, before[index as 0].get)))),
        all(({ pointers }) => pointers.map((pointer) => pointer.set(i32.add(pointer.get, i32.const(64))))),
      ],
      blocks.tee(i32.sub(blocks.get, i32.const(1))),
    ),
    all(({ pointers, pointersAt }) => pointers.map((at, lane) => i32.store(ZERO, pointersAt + 4 * lane, at.get))),
    all(({ state, stateAt }) => state.map((word, index) => words.store(ZERO, stateAt + 16 * index, word.get))),
  ];
  return { builder, body };
}

function strandsOfOne(builder: FunctionBuilder, lanes: number): Strand[] {
  return Array.from({ length: lanes }, (_, lane) =>
    strandOf(builder, I32, 1, LAYOUT.POINTERS + 4 * lane, LAYOUT.STATE + 4 * lane),
  );
}

function strandsOfFour(builder: FunctionBuilder, groups: number): Strand[] {
  return Array.from({ length: groups }, (_, group) =>
    strandOf(builder, V128, 4, LAYOUT.POINTERS + 16 * group, LAYOUT.STATE + 64 * group),
  );
}

function strandOf(
  builder: FunctionBuilder,
  type: ValueType,
  lanes: number,
  pointersAt: number,
  stateAt: number,
): Strand {
  const four = (): Four<Local> => [builder.local(type), builder.local(type), builder.local(type), builder.local(type)];
  return {
    pointers: builder.locals(lanes, I32),
    state: four(),
    before: four(),
    block: builder.locals(16, type),
    scratch: builder.local(type),
    pointersAt,
    stateAt,
  };
}

function loadOneBlock({ pointers: [pointer], block }: Strand): Code {
  return block.map((word, index) => word.set(i32.load(pointer?.get ?? ZERO, 4 * index)));
}

/** The blocks of four lanes lie apart; a vector holds the same word of all four: 4 × 4 words are transposed at a time. */
function loadFourBlocks({ pointers, block }: Strand): Code {
  return [0, 4, 8, 12].map((first) => {
    const rows = block.slice(first, first + 4);
    const [p, q, r, s] = rows.map((row) => row.get) as [Code, Code, Code, Code];
    const setAll = [...rows].reverse().map((row) => row.set(ON_STACK));
    return [
      rows.map((row, lane) => row.set(v128.load(pointers[lane]?.get ?? ZERO, 4 * first))),
      v128.shuffleWords(p, q, [0, 4, 1, 5]),
      v128.shuffleWords(r, s, [0, 4, 1, 5]),
      v128.shuffleWords(p, q, [2, 6, 3, 7]),
      v128.shuffleWords(r, s, [2, 6, 3, 7]),
      setAll,
      v128.shuffleWords(p, q, [0, 1, 4, 5]),
      v128.shuffleWords(p, q, [2, 3, 6, 7]),
      v128.shuffleWords(r, s, [0, 1, 4, 5]),
      v128.shuffleWords(r, s, [2, 3, 6, 7]),
      setAll,
    ];
  });
}

/** `a = b + rotl(a + word + sine + mix(b, c, d), bits)`; then the names a, b, c and d move on by one. */
function stepOf({ state, block, scratch }: Strand, words: Words, step: number, sine: Local): Code {
  const { rotations, word, mix } = ROUNDS[(step >> 4) as 0 | 1 | 2 | 3];
  const role = (name: number) => state[((name - step + 64) % 4) as 0 | 1 | 2 | 3];
  const [a, b, c, d] = [role(0), role(1), role(2), role(3)];
  // What does not wait for b, the result of the step before, comes first.
  const early = words.add(a.get, words.add(block[word(step) % 16]?.get ?? ZERO, sine.get));
  const sum = mix(words, early, b.get, c.get, d.get);
  return a.set(words.add(words.rotl(sum, rotations[(step % 4) as 0 | 1 | 2 | 3], scratch), b.get));
}

/** The bytes of the module, whose memory has between `minimumPages` and `maximumPages` pages of 64 KiB. */
export function md5Module(minimumPages: number, maximumPages: number): Uint8Array<ArrayBuffer> {
  const functions = [advance(1, plain), advance(2, plain), advance(4, vector), advance(8, vector)];
  return moduleOf(functions, minimumPages, maximumPages);
}
