import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { AccessService, CurrentPrincipal, type Principal } from '../../auth/index.js';
import { ON_ERROR } from '../plugins/plugin-settings.js';
import { PluginSet, type PluginView } from '../plugins/plugin-set.js';

const count = z.int().min(0);
const pluginsAnswer = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      order: z.int(),
      origin: z.enum(['station', 'beamline']),
      enabled: z.boolean(),
      form: z.enum(['file', 'batch']),
      onError: z.enum(ON_ERROR).nullable(),
      timeoutSeconds: z.number().nullable(),
      concurrency: z.int().nullable(),
      restsUntil: z.string().nullable(),
      calls: count,
      passed: count,
      warned: count,
      failed: count,
      waited: count,
      lastError: z.object({ at: z.string(), path: z.string().nullable(), message: z.string() }).nullable(),
    }),
  ),
  nextCursor: z.null(),
});

@ApiTags('acquisitions')
@Controller('api/v1/plugins')
export class PluginsController {
  constructor(
    private readonly access: AccessService,
    private readonly set: PluginSet,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'The plug-ins that every file passes, in their order; names for skipPlugins',
    description:
      'With what they did since the station started. The path in `lastError` is given to the management of the station only.',
  })
  @ApiOkResponse({ standardSchema: pluginsAnswer })
  async list(@CurrentPrincipal() principal: Principal): Promise<{ items: PluginView[]; nextCursor: null }> {
    await this.access.require(principal, 'station.read');
    const seesFiles = (await this.access.can(principal, 'station.manage')).allowed;
    return { items: this.set.views().map((view) => (seesFiles ? view : withoutFile(view))), nextCursor: null };
  }
}

/** Errors quote files of any experiment, which not everybody may know of. */
function withoutFile(view: PluginView): PluginView {
  return view.lastError === null
    ? view
    : { ...view, lastError: { at: view.lastError.at, path: null, message: 'dm file why tells for your files' } };
}
