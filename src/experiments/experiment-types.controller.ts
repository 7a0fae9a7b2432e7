import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../auth/index.js';
import type { Page } from '../platform/http/index.js';
import { ExperimentTypesService } from './experiment-types.service.js';
import { type CreateType, createTypeSchema } from './experiment.schema.js';
import type { ExperimentType } from './experiment.js';

const TYPE_EXAMPLE = { id: 7, name: 'OPERANDO', description: 'Measurements while the sample works' };

@ApiTags('experiments')
@Controller('api/v1/experiment-types')
export class ExperimentTypesController {
  constructor(private readonly types: ExperimentTypesService) {}

  @Get()
  @ApiOperation({ summary: 'All types of experiments, by name' })
  @ApiOkResponse({ example: { items: [TYPE_EXAMPLE], nextCursor: null } })
  async list(): Promise<Page<ExperimentType>> {
    return { items: await this.types.list(), nextCursor: null };
  }

  @Post()
  @ApiOperation({ summary: 'Add a type of experiment (station manager, administrators)' })
  @ApiCreatedResponse({ example: TYPE_EXAMPLE })
  create(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: createTypeSchema }) body: CreateType,
  ): Promise<ExperimentType> {
    return this.types.create(principal, body);
  }
}
