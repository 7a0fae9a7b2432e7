import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { driverCode, type ErrorKind, messageOf, StationError } from '../../kernel/errors.js';
import { translateDatabaseError } from '../database/index.js';
import { problemOf } from './problem.js';
import { requestIdOf } from './request-id.js';

/** The one place where errors become HTTP answers. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('HTTP');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const error = asStationError(thrown, request);
    const problem = problemOf(error, requestIdOf(request, response));
    if (problem.status >= 500) {
      this.logger.error({ err: error.cause ?? error, code: error.code, requestId: problem.requestId }, error.message);
    }
    if (response.headersSent) {
      // A stream broke half-way: cutting the connection is the only honest signal left.
      response.destroy();
      return;
    }
    if (error.retryAfterSeconds !== undefined) {
      response.setHeader('Retry-After', String(error.retryAfterSeconds));
    }
    if (problem.status === 401) {
      response.setHeader('WWW-Authenticate', 'Bearer realm="DM Station"');
    }
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}

function asStationError(thrown: unknown, request: Request): StationError {
  const translated = translateDatabaseError(thrown);
  if (translated instanceof StationError) {
    return translated;
  }
  if (thrown instanceof HttpException) {
    return fromHttpException(thrown, request);
  }
  if (driverCode(thrown) === 'ECONNABORTED') {
    return new StationError('invalid', 'REQUEST_ABORTED', 'The request ended before its body was complete.');
  }
  return new StationError(
    'internal',
    'INTERNAL',
    'An unexpected error happened. The station logged it under the request id; nothing needs to be repeated blindly.',
    { cause: thrown },
  );
}

const BY_STATUS: Record<number, [ErrorKind, string]> = {
  400: ['invalid', 'MALFORMED_REQUEST'],
  404: ['not-found', 'ROUTE_NOT_FOUND'],
  413: ['too-large', 'BODY_TOO_LARGE'],
  415: ['invalid', 'UNSUPPORTED_MEDIA_TYPE'],
};

function fromHttpException(thrown: HttpException, request: Request): StationError {
  const [kind, code] = BY_STATUS[thrown.getStatus()] ?? ['internal', 'INTERNAL'];
  const message =
    code === 'ROUTE_NOT_FOUND'
      ? `There is no ${request.method} ${request.path}. The routes are listed at /api/docs.`
      : messageOf(thrown);
  return new StationError(kind, code, message, { cause: thrown });
}
