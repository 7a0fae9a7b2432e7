import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import { experimentNameParam, ExperimentsService } from '../../experiments/index.js';
import type { FileStatistics } from '../catalog-file.js';
import { CatalogService } from '../catalog.service.js';
import { parseFilterText } from '../filter/parse-filter.js';
import { type StatisticsQuery, statisticsQuery, statisticsSchema } from './file.schema.js';

@ApiTags('files')
@Controller('api/v1/experiments/:name/stats')
export class StatisticsController {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly catalog: CatalogService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Number, total, mean, smallest, largest and deviation of the sizes of all file versions' })
  @ApiOkResponse({ standardSchema: statisticsSchema })
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: statisticsQuery }) query: StatisticsQuery,
  ): Promise<FileStatistics> {
    const { id } = await this.experiments.getByName(principal, name);
    const filter = query.filter === undefined ? undefined : parseFilterText(query.filter);
    return this.catalog.statistics(principal, id, filter);
  }
}
