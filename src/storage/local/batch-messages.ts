import type { TransferOutcome, TransferTask } from '../transfer-engine.port.js';

/** What the tasks of a batch mostly have in common; said once. */
type Common = Pick<
  TransferTask,
  'sourceRoots' | 'experimentDirectory' | 'mode' | 'proof' | 'fileMode' | 'directoryMode'
>;

/**
 * A batch on its way to a copying thread: columns instead of objects, since a message between threads writes down every
 * name of every field of every object (measured: six times the time, on both sides).
 */
export interface PackedTasks {
  common: Common[];
  commonOf: Uint16Array;
  ids: string[];
  /** Source path, destination path and `replaces.keepAs` of each task, one after the other. */
  paths: Uint8Array;
  /** Where each of them ends. */
  ends: Uint32Array;
  /** Size, mtime and inode of each task. */
  facts: BigUint64Array;
  /** By index, for the tasks that have one. */
  replaces: Set<number>;
  expectedMd5Sums: Map<number, string>;
}

/** Outcomes on their way back, in the order of the tasks. */
export interface PackedOutcomes {
  /** Hex digests of those that were simply published, 32 characters each; zero bytes for all others. */
  digests: Uint8Array;
  sizes: BigUint64Array;
  others: Map<number, TransferOutcome>;
}

const PATHS = 3;
const FACTS = 3;
const DIGEST_CHARACTERS = 32;

export function packTasks(tasks: readonly TransferTask[]): PackedTasks {
  const packed: PackedTasks = {
    common: [],
    commonOf: new Uint16Array(tasks.length),
    ids: tasks.map((task) => task.id),
    paths: new Uint8Array(
      tasks.reduce((sum, task) => sum + pathsOf(task).reduce((length, path) => length + path.length, 0), 0),
    ),
    ends: new Uint32Array(tasks.length * PATHS),
    facts: new BigUint64Array(tasks.length * FACTS),
    replaces: new Set(),
    expectedMd5Sums: new Map(),
  };
  let at = 0;
  tasks.forEach((task, index) => {
    packed.commonOf[index] = commonIndex(packed.common, task);
    for (const [part, path] of pathsOf(task).entries()) {
      packed.paths.set(path, at);
      at += path.length;
      packed.ends[index * PATHS + part] = at;
    }
    const { sizeBytes, mtimeNs, inode } = task.expected;
    packed.facts[index * FACTS] = sizeBytes;
    packed.facts[index * FACTS + 1] = mtimeNs;
    packed.facts[index * FACTS + 2] = inode;
    if (task.replaces !== null) {
      packed.replaces.add(index);
    }
    if (task.expectedMd5Sum !== undefined) {
      packed.expectedMd5Sums.set(index, task.expectedMd5Sum);
    }
  });
  return packed;
}

export function unpackTasks(packed: PackedTasks): TransferTask[] {
  const { common, commonOf, ids, ends, facts, replaces, expectedMd5Sums } = packed;
  const paths = Buffer.from(packed.paths.buffer, packed.paths.byteOffset, packed.paths.byteLength);
  return ids.map((id, index) => {
    const end = (part: number) => ends[index * PATHS + part] ?? 0;
    const start = index === 0 ? 0 : end(-1);
    const fact = (part: number) => facts[index * FACTS + part] ?? 0n;
    const expectedMd5Sum = expectedMd5Sums.get(index);
    return {
      ...(common[commonOf[index] ?? 0] as Common),
      id,
      sourcePath: paths.subarray(start, end(0)),
      destinationPath: paths.subarray(end(0), end(1)),
      replaces: replaces.has(index) ? { keepAs: paths.subarray(end(1), end(2)) } : null,
      // A time before 1970 is a negative number.
      expected: { sizeBytes: fact(0), mtimeNs: BigInt.asIntN(64, fact(1)), inode: fact(2) },
      ...(expectedMd5Sum === undefined ? {} : { expectedMd5Sum }),
    };
  });
}

export function packOutcomes(outcomes: readonly TransferOutcome[]): PackedOutcomes {
  const digests = Buffer.alloc(outcomes.length * DIGEST_CHARACTERS);
  const sizes = new BigUint64Array(outcomes.length);
  const others = new Map<number, TransferOutcome>();
  outcomes.forEach((outcome, index) => {
    if (isPlain(outcome)) {
      digests.write(outcome.md5Sum, index * DIGEST_CHARACTERS, 'latin1');
      sizes[index] = outcome.sizeBytes;
    } else {
      others.set(index, outcome);
    }
  });
  return { digests, sizes, others };
}

/** `tasks`: those that were sent. */
export function unpackOutcomes(packed: PackedOutcomes, tasks: readonly TransferTask[]): TransferOutcome[] {
  const { sizes, others } = packed;
  const digests = Buffer.from(packed.digests.buffer, packed.digests.byteOffset, packed.digests.byteLength);
  return tasks.map(({ id }, index) => {
    const start = index * DIGEST_CHARACTERS;
    return (
      others.get(index) ?? {
        id,
        status: 'published',
        md5Sum: digests.toString('latin1', start, start + DIGEST_CHARACTERS),
        sizeBytes: sizes[index] ?? 0n,
        proof: 'read-back',
        keptPrevious: false,
      }
    );
  });
}

type Plain = Extract<TransferOutcome, { status: 'published' }> & { md5Sum: string };

function isPlain(outcome: TransferOutcome): outcome is Plain {
  return (
    outcome.status === 'published' &&
    outcome.proof === 'read-back' &&
    !outcome.keptPrevious &&
    outcome.md5Sum?.length === DIGEST_CHARACTERS
  );
}

function pathsOf(task: TransferTask): [Uint8Array, Uint8Array, Uint8Array] {
  return [task.sourcePath, task.destinationPath, task.replaces?.keepAs ?? NO_PATH];
}

const NO_PATH = new Uint8Array(0);

/** Batches come from one acquisition or few: what is the same object there counts as the same. */
function commonIndex(known: Common[], task: TransferTask): number {
  const { sourceRoots, experimentDirectory, mode, proof, fileMode, directoryMode } = task;
  const found = known.findLastIndex(
    (one) =>
      one.sourceRoots === sourceRoots &&
      one.experimentDirectory === experimentDirectory &&
      one.mode === mode &&
      one.proof === proof &&
      one.fileMode === fileMode &&
      one.directoryMode === directoryMode,
  );
  if (found !== -1) {
    return found;
  }
  return known.push({ sourceRoots, experimentDirectory, mode, proof, fileMode, directoryMode }) - 1;
}
