import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import type { Remains } from '../transfer-engine.port.js';

/** The temporary name of a task, short and of its own; every engine uses the same, beside the destination. */
export function temporaryName(id: string): Buffer {
  return Buffer.from(`.dm-${id}.part`);
}

export function temporaryPath({ id, experimentDirectory, destinationPath }: Remains): Buffer {
  return joinBytes(directoryOf(joinBytes(experimentDirectory, destinationPath)), temporaryName(id));
}
