import { StandardSchemaValidationPipe } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';

/** Validates every body, query and parameter that declares a Zod schema; a refusal names each field. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      const problems = issues.slice(0, 20).map((issue) => {
        const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
        return path === '' ? issue.message : `${path}: ${issue.message}`;
      });
      return new StationError('invalid', 'VALIDATION_FAILED', `Please correct: ${problems.join('; ')}`, {
        details: { problems },
      });
    },
  });
}
