import { StationError } from '../../kernel/errors.js';

export function jobNotFound(id: string): StationError {
  return new StationError('not-found', 'JOB_NOT_FOUND', `There is no job ${id} that you may see.`, { details: { id } });
}
