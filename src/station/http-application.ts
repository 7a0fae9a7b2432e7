import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import { AppModule } from '../app.module.js';
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
  app.disable('x-powered-by');
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(validationPipe());
  await addOpenApi(app);
  return app;
}
