/**
 * Heap of a thread that looks at files. What it makes is garbage soon, and what it remembers of a tree lies in buffers
 * beside the heap. By its own measure V8 would let the young generation of each thread grow to 128 MB.
 */
export const THREAD_HEAP = { maxYoungGenerationSizeMb: 8 };
