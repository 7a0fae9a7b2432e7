import { hostname } from 'node:os';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessService, CurrentPrincipal, type Principal } from '../auth/index.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { StorageArea } from '../storage/index.js';
import { VERSION } from '../version.js';

@ApiTags('monitoring')
@Controller('api/v1/station')
export class StationController {
  private readonly startedAt = new Date();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly access: AccessService,
    private readonly storage: StorageArea,
  ) {}

  @Get()
  @ApiOperation({ summary: 'This station: name, version, which servers it uses, where files come from and go to' })
  async get(@CurrentPrincipal() principal: Principal): Promise<object> {
    await this.access.require(principal, 'station.read');
    const { config } = this;
    return {
      name: config.station.name,
      version: VERSION,
      host: hostname(),
      startedAt: this.startedAt.toISOString(),
      adapters: {
        database: config.postgres.url === undefined ? 'embedded-postgres' : 'postgres',
        queue: config.redis.url === undefined ? 'postgres' : 'redis',
        catalog: config.mongo.url === undefined ? 'postgres' : 'mongodb',
      },
      storage: { root: config.storage.root, freeBytes: await this.storage.freeBytes().catch(() => null) },
      sourceRoots: config.daq.sourceRoots,
      quietSeconds: config.daq.quietSeconds,
    };
  }
}
