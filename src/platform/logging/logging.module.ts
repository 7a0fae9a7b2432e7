import type { DynamicModule } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoggerModule } from 'nestjs-pino';
import { pino } from 'pino';
import type { PlatformConfig } from '../config/index.js';
import { assignRequestId } from '../http/index.js';
import { textStream } from './text-stream.js';

/** Paths that are asked for every few seconds by machines; their requests are not worth a line. */
const QUIET_PATHS = ['/health/', '/metrics'];

/** Structured logs: JSON lines, or readable ones on a terminal. Secrets never reach them. */
export function loggingModule(config: PlatformConfig['log']): DynamicModule {
  const isText = config.format === 'text' || (config.format === 'auto' && process.stdout.isTTY);
  const logger = pino(
    {
      level: config.level,
      redact: ['req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]'],
    },
    isText ? textStream(process.stdout) : pino.destination(1),
  );
  return LoggerModule.forRoot({
    pinoHttp: {
      logger,
      genReqId: assignRequestId,
      quietReqLogger: true,
      customLogLevel: requestLevel,
      customSuccessMessage: (request: IncomingMessage, response: ServerResponse) =>
        `${request.method ?? ''} ${pathOf(request)} ${response.statusCode}`,
      customErrorMessage: (request: IncomingMessage, response: ServerResponse) =>
        `${request.method ?? ''} ${pathOf(request)} ${response.statusCode}`,
      serializers: { req: () => undefined, res: () => undefined },
    },
  });
}

function requestLevel(request: IncomingMessage, response: ServerResponse): 'error' | 'warn' | 'info' | 'debug' {
  if (response.statusCode >= 500) {
    return 'error';
  }
  return QUIET_PATHS.some((path) => pathOf(request).startsWith(path)) || request.method === 'GET' ? 'debug' : 'info';
}

/** Without the query: it may hold names that somebody searched for. */
function pathOf(request: IncomingMessage & { originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? '').split('?')[0] ?? '';
}
