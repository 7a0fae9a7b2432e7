import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { VERSION } from '../version.js';

const DESCRIPTION = `Everything that DM Station can do. Log in with **POST /api/v1/auth/login** right here: the answer sets a session
cookie, so every other route works in this page afterwards. Programs send the token of the answer, or an API token, as
\`Authorization: Bearer …\`. Errors are problem details (RFC 9457) with a stable \`code\`; sizes are bytes, times RFC 3339 in
UTC; lists answer \`nextCursor\`, to be sent back as \`cursor\`.`;

/** Serves the OpenAPI document and Swagger UI, both without login. */
export async function addOpenApi(app: NestExpressApplication): Promise<void> {
  const document = openApiDocument(app);
  SwaggerModule.setup('api/docs', app, document, {
    jsonDocumentUrl: 'api/v1/openapi.json',
    raw: ['json'],
    customSiteTitle: 'DM Station',
    swaggerOptions: { persistAuthorization: true, tryItOutEnabled: true, docExpansion: 'none', tagsSorter: 'alpha' },
  });
}

export function openApiDocument(app: NestExpressApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('DM Station')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Token of a login, or an API token' })
    .addCookieAuth('dm_session')
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('cookie')
    .build();
  return SwaggerModule.createDocument(app, config, { standardSchemaConverter: convertSchema });
}

/** What a schema cannot say in OpenAPI (a check by code) is left open; the description of the field says it. */
function convertSchema(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) {
  if (!(schema instanceof z.ZodType)) {
    return undefined;
  }
  return { schema: z.toJSONSchema(schema, { target: 'openapi-3.0', io: schemaType, unrepresentable: 'any' }) };
}
