import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import type { NextFunction, Request, Response } from 'express';
import { AppModule } from '../app.module.js';
import { StationError } from '../kernel/errors.js';
import { ProblemFilter, validationPipe } from '../platform/http/index.js';
import type { PlatformParts } from '../platform/platform.module.js';
import { addOpenApi } from './openapi.js';

/** The application with everything that every route shares; it does not listen yet. */
export async function createApplication(parts: PlatformParts): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(parts), {
    bufferLogs: true,
    abortOnError: false,
    // Streams and idle connections would keep a stopping station waiting for their clients.
    forceCloseConnections: true,
  });
  app.useLogger(app.get(Logger));
  app.useBodyParser('json', { limit: parts.config.http.maxBodyBytes });
  app.use(refuseNul);
  app.disable('x-powered-by');
  if (parts.config.http.trustedProxies.length > 0) {
    app.set('trust proxy', [...parts.config.http.trustedProxies]);
  }
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(validationPipe());
  await addOpenApi(app);
  return app;
}

/** No name, id or text that the station stores or looks up can hold U+0000; PostgreSQL would refuse it much later. */
function refuseNul(request: Request, _response: Response, next: NextFunction): void {
  next(
    /%00/i.test(request.url)
      ? new StationError('invalid', 'NUL_IN_URL', 'The address holds a NUL character (%00); leave it out.')
      : undefined,
  );
}
