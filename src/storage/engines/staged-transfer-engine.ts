import { directoryOf, nameOf } from '../../kernel/path-bytes.js';
import { atDestination, type Fault } from '../copy-faults.js';
import type { Proof } from '../proof.js';
import type {
  EngineCapabilities,
  FileIdentity,
  Remains,
  TransferEngine,
  TransferOutcome,
  TransferTask,
} from '../transfer-engine.port.js';
import type { Arrival, DestinationSide, Digested, Look, Mover, SourceSide } from './sides.port.js';
import { temporaryName, temporaryPath } from './temporary-name.js';

type PublishedOutcome = Extract<TransferOutcome, { status: 'published' }>;

/** A copy that was found good under its temporary name. */
interface Proven {
  task: TransferTask;
  md5Sum: string | null;
  sizeBytes: bigint;
  proof: Proof;
}

/**
 * An engine made of two sides and something that carries bytes between them. A batch goes through each step as a whole,
 * so that a far machine is asked a handful of times for a batch and not for each file. What carries the bytes is not
 * believed: the source is looked at before and after and digested where it lies, the copy is digested where it has
 * arrived, and only what agrees gets its final name.
 */
export class StagedTransferEngine implements TransferEngine {
  readonly capabilities: EngineCapabilities;

  constructor(
    private readonly source: SourceSide,
    private readonly destination: DestinationSide,
    private readonly mover: Mover,
    private readonly release: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.capabilities = destination.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    const batch = new Batch(tasks);
    await this.lookBefore(batch);
    await this.compare(batch);
    await this.prepare(batch);
    await this.copy(batch);
    const unpublished = tasks.filter((task) => batch.outcomeOf(task)?.status !== 'published' && task.mode === 'copy');
    await this.destination.remove(unpublished.map(temporaryPath));
    return batch.outcomes();
  }

  async discard(remains: readonly Remains[]): Promise<void> {
    await this.destination.remove(remains.map(temporaryPath));
    await this.mover.discard?.(remains);
  }

  async close(): Promise<void> {
    await this.mover.close();
    await this.release();
  }

  private async lookBefore(batch: Batch): Promise<void> {
    const looks = await this.look(batch.open());
    for (const [task, look] of looks) {
      const refusal = look.status === 'absent' ? ({ id: task.id, status: 'vanished' } as const) : refusalOf(task, look);
      if (refusal !== undefined) {
        batch.end(refusal);
      }
    }
  }

  private async compare(batch: Batch): Promise<void> {
    const tasks = batch.open().filter((task) => task.mode === 'compare');
    const digests = await this.source.digest(tasks.map((task) => task.sourcePath));
    await this.lookAfter(batch, tasks);
    for (const [task, digest] of zip(tasks, digests)) {
      if (batch.isOpen(task)) {
        batch.end(
          digest.status === 'failed'
            ? failed(task, digest.fault)
            : { id: task.id, status: 'compared', md5Sum: digest.md5Sum, sizeBytes: task.expected.sizeBytes },
        );
      }
    }
  }

  private async prepare(batch: Batch): Promise<void> {
    const byDirectory = Map.groupBy(batch.open(), (task) =>
      [task.experimentDirectory, directoryOf(task.destinationPath)]
        .map((path) => Buffer.from(path).toString('latin1'))
        .join('\0'),
    );
    const groups = [...byDirectory.values()];
    const wishes = groups.flatMap(([task]) =>
      task === undefined
        ? []
        : [{ base: task.experimentDirectory, path: directoryOf(task.destinationPath), mode: task.directoryMode }],
    );
    const faults = await this.destination.prepare(wishes);
    for (const [group, fault] of zip(groups, faults)) {
      if (fault !== null) {
        group.forEach((task) => batch.end(failed(task, atDestination(fault))));
      }
    }
  }

  private async copy(batch: Batch): Promise<void> {
    const tasks = batch.open();
    if (tasks.length === 0) {
      return;
    }
    const moveFaults = await this.mover.move(
      tasks.map((task) => ({
        id: task.id,
        sourcePath: task.sourcePath,
        temporaryPath: temporaryPath(task),
        sizeBytes: task.expected.sizeBytes,
        experimentDirectory: task.experimentDirectory,
      })),
    );
    const digested = tasks.filter((task) => task.proof === 'read-back');
    const sized = tasks.filter((task) => task.proof === 'size');
    const [digests, arrivals, sizedArrivals] = await Promise.all([
      this.source.digest(digested.map((task) => task.sourcePath)),
      this.settle(digested, this.capabilities.readBack),
      this.settle(sized, false),
    ]);
    await this.lookAfter(batch, tasks);
    const proven: Proven[] = [];
    for (const [task, arrival, digest] of [
      ...digested.map((task, index) => [task, arrivals[index], digests[index]] as const),
      ...sized.map((task, index) => [task, sizedArrivals[index], undefined] as const),
    ]) {
      if (batch.isOpen(task)) {
        const verdict = this.judge(task, arrival ?? { status: 'missing' }, digest, moveFaults.get(task.id));
        if ('status' in verdict) {
          batch.end(verdict);
        } else {
          proven.push(verdict);
        }
      }
    }
    await this.publish(batch, proven);
  }

  private settle(tasks: readonly TransferTask[], readBack: boolean): Promise<Arrival[]> {
    return this.destination.settle(
      tasks.map((task) => ({ path: temporaryPath(task), mode: task.fileMode, mtimeNs: task.expected.mtimeNs })),
      readBack,
    );
  }

  /** What was carried over against what the source holds. */
  private judge(
    task: TransferTask,
    arrival: Arrival,
    digest: Digested | undefined,
    moveFault: Fault | undefined,
  ): Proven | TransferOutcome {
    if (arrival.status === 'failed') {
      return failed(task, moveFault ?? atDestination(arrival.fault));
    }
    if (digest?.status === 'failed') {
      return failed(task, digest.fault);
    }
    if (arrival.status === 'missing' || arrival.sizeBytes !== task.expected.sizeBytes) {
      if (moveFault !== undefined) {
        return failed(task, moveFault);
      }
      const found = arrival.status === 'missing' ? 'nothing' : `${arrival.sizeBytes} bytes`;
      return failed(task, {
        code: 'SIZE_DIFFERS',
        message: `Of ${task.expected.sizeBytes} bytes, ${found} arrived; the copy was thrown away.`,
        kind: 'transient',
      });
    }
    if (digest === undefined && moveFault !== undefined) {
      return failed(task, moveFault); // the size alone does not disprove it
    }
    const { sizeBytes } = arrival;
    if (digest === undefined || arrival.md5Sum === null) {
      return { task, md5Sum: digest?.md5Sum ?? null, sizeBytes, proof: 'size' };
    }
    if (task.expectedMd5Sum !== undefined && digest.md5Sum !== task.expectedMd5Sum) {
      return {
        id: task.id,
        status: 'changed',
        detail: `its MD5 is ${digest.md5Sum}, not ${task.expectedMd5Sum}`,
      };
    }
    if (digest.md5Sum !== arrival.md5Sum) {
      return { id: task.id, status: 'corrupt', md5Sum: digest.md5Sum, foundMd5Sum: arrival.md5Sum };
    }
    return {
      task,
      md5Sum: digest.md5Sum,
      sizeBytes,
      proof: this.capabilities.sync ? 'read-back' : 'read-back-unsynced',
    };
  }

  private async publish(batch: Batch, proven: readonly Proven[]): Promise<void> {
    const answers = await this.destination.publish(
      proven.map(({ task, md5Sum }) => ({
        base: task.experimentDirectory,
        directory: directoryOf(task.destinationPath),
        temporary: temporaryName(task.id),
        final: nameOf(task.destinationPath),
        md5Sum,
        keepAs: task.replaces?.keepAs ?? null,
        directoryMode: task.directoryMode,
      })),
    );
    for (const [{ task, md5Sum, sizeBytes, proof }, answer] of zip(proven, answers)) {
      if (answer.status === 'failed') {
        batch.end(failed(task, atDestination(answer.fault)));
      } else if (answer.status === 'occupied') {
        batch.end({ id: task.id, status: 'occupied', md5Sum: answer.md5Sum, foundMd5Sum: answer.foundMd5Sum });
      } else {
        const outcome: PublishedOutcome = { ...answer, id: task.id, md5Sum, sizeBytes, proof };
        batch.end(outcome);
      }
    }
  }

  /** A source that changed meanwhile is not what was digested; one that went after it was read is no fault. */
  private async lookAfter(batch: Batch, tasks: readonly TransferTask[]): Promise<void> {
    for (const [task, look] of await this.look(tasks)) {
      const refusal = look.status === 'absent' ? undefined : refusalOf(task, look);
      if (refusal !== undefined) {
        batch.end(refusal);
      }
    }
  }

  /** Batches mix acquisitions, which may read below different roots. */
  private async look(tasks: readonly TransferTask[]): Promise<[TransferTask, Look][]> {
    const byRoots = Map.groupBy(tasks, ({ sourceRoots }) =>
      sourceRoots.map((root) => Buffer.from(root).toString('latin1')).join('\0'),
    );
    const answers = await Promise.all(
      [...byRoots.values()].map(async (group) =>
        zip(
          group,
          await this.source.look(
            group.map((task) => task.sourcePath),
            group[0]?.sourceRoots ?? [],
          ),
        ),
      ),
    );
    return answers.flat();
  }
}

/** Which tasks of a batch have their outcome, and which are still under way. */
class Batch {
  private readonly ended = new Map<TransferTask, TransferOutcome>();
  private readonly byId: Map<string, TransferTask>;

  constructor(private readonly tasks: readonly TransferTask[]) {
    this.byId = new Map(tasks.map((task) => [task.id, task]));
  }

  open(): TransferTask[] {
    return this.tasks.filter((task) => this.isOpen(task));
  }

  isOpen(task: TransferTask): boolean {
    return !this.ended.has(task);
  }

  /** The first outcome counts. */
  end(outcome: TransferOutcome): void {
    const task = this.byId.get(outcome.id);
    if (task !== undefined && this.isOpen(task)) {
      this.ended.set(task, outcome);
    }
  }

  outcomeOf(task: TransferTask): TransferOutcome | undefined {
    return this.ended.get(task);
  }

  outcomes(): TransferOutcome[] {
    return [...this.ended.values()];
  }
}

function refusalOf(task: TransferTask, look: Look): TransferOutcome | undefined {
  switch (look.status) {
    case 'file': {
      const detail = differenceOf(look.identity, task.expected);
      return detail === undefined ? undefined : { id: task.id, status: 'changed', detail };
    }
    case 'not-a-file':
      return { id: task.id, status: 'changed', detail: 'it is no longer a regular file' };
    case 'outside':
      return failed(task, {
        code: 'EPERM',
        message: 'The source leads out of the configured source roots through a symbolic link.',
        kind: 'permanent',
      });
    case 'failed':
      return failed(task, look.fault);
    case 'absent':
      return undefined;
  }
}

function differenceOf(found: FileIdentity, expected: FileIdentity): string | undefined {
  if (found.sizeBytes !== expected.sizeBytes) {
    return `its size went from ${expected.sizeBytes} to ${found.sizeBytes} bytes`;
  }
  if (found.mtimeNs !== expected.mtimeNs) {
    return 'it was written to';
  }
  return found.inode === expected.inode ? undefined : 'another file has taken its name';
}

function failed(task: TransferTask, fault: Fault): TransferOutcome {
  return { id: task.id, status: 'failed', ...fault };
}

function zip<A, B>(left: readonly A[], right: readonly B[]): [A, B][] {
  return left.flatMap((item, index): [A, B][] => {
    const other = right[index];
    return other === undefined ? [] : [[item, other]];
  });
}
