import { StationError } from '../../kernel/errors.js';

/** Each refusal of a filter: which rule, where in the filter, and what to write instead. */
export type FilterRefusal =
  | 'FILTER_INVALID'
  | 'FILTER_OPERATOR_REFUSED'
  | 'FILTER_FIELD_UNKNOWN'
  | 'FILTER_VALUE_INVALID'
  | 'FILTER_REGEX_REFUSED'
  | 'FILTER_TOO_LARGE';

export function refuse(code: FilterRefusal, at: string, reason: string): StationError {
  const place = at === '' ? 'The filter' : `The filter at ${at}`;
  return new StationError('invalid', code, `${place}: ${reason}`, { details: { at, reason } });
}
