export { IS_PUBLIC, Public } from './public.decorator.js';
export { ProblemFilter } from './problem.filter.js';
export { type Problem, problemOf } from './problem.js';
export { assignRequestId, requestIdOf } from './request-id.js';
export { validationPipe } from './validation.pipe.js';
export { decodeCursor, encodeCursor, type Page, pageOf, type PageQuery, pageQuery } from './paging.js';
