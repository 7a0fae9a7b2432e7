import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Continued, startAuthApp } from './auth.app.js';

describe('the OpenAPI document of users and experiments', () => {
  let app: Continued;
  let document: OpenAPIObject;
  beforeAll(async () => {
    app = await startAuthApp();
    document = SwaggerModule.createDocument(app.app, new DocumentBuilder().build());
  });
  afterAll(() => app.close());

  it('has a summary for every route and an example for every body', () => {
    const missing: string[] = [];
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
        const content = Object.values(operation.requestBody?.content ?? {});
        if (operation.summary === undefined || content.some((media) => !hasExample(media.schema))) {
          missing.push(`${method} ${path}`);
        }
      }
    }

    expect(missing).toEqual([]);
    expect(Object.keys(document.paths)).toHaveLength(14);
  });

  interface Operation {
    summary?: string;
    requestBody?: { content: Record<string, { schema: { $ref?: string; example?: unknown } }> };
  }

  function hasExample(schema: { $ref?: string; example?: unknown }): boolean {
    const name = schema.$ref?.split('/').at(-1);
    const resolved = name === undefined ? schema : (document.components?.schemas?.[name] as { example?: unknown });
    return resolved.example !== undefined;
  }
});
