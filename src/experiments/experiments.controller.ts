import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../auth/index.js';
import type { Page } from '../platform/http/index.js';
import { ExperimentCreationService } from './experiment-creation.service.js';
import { ExperimentRemovalService } from './experiment-removal.service.js';
import {
  type CreateExperiment,
  createExperimentSchema,
  type DeleteExperiment,
  deleteExperimentQuery,
  experimentNameParam,
  experimentSchema,
  type ListExperiments,
  listExperimentsQuery,
  type UpdateExperiment,
  updateExperimentSchema,
} from './experiment.schema.js';
import type { Experiment } from './experiment.js';
import { ExperimentsService } from './experiments.service.js';

@ApiTags('experiments')
@Controller('api/v1/experiments')
export class ExperimentsController {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly creation: ExperimentCreationService,
    private readonly removal: ExperimentRemovalService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The experiments that you may see, by name' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: listExperimentsQuery }) query: ListExperiments,
  ): Promise<Page<Experiment>> {
    return this.experiments.list(principal, query);
  }

  @Post()
  @ApiOperation({ summary: 'Create an experiment and its directories in the storage area' })
  @ApiCreatedResponse({ standardSchema: experimentSchema })
  create(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: createExperimentSchema }) body: CreateExperiment,
  ): Promise<Experiment> {
    return this.creation.create(principal, body);
  }

  @Get(':name')
  @ApiOperation({ summary: 'One experiment' })
  @ApiOkResponse({ standardSchema: experimentSchema })
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
  ): Promise<Experiment> {
    return this.experiments.getByName(principal, name);
  }

  @Patch(':name')
  @ApiOperation({ summary: 'Change type, description or dates; name and rootPath are fixed, they are the directory' })
  @ApiOkResponse({ standardSchema: experimentSchema })
  update(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Body({ schema: updateExperimentSchema }) body: UpdateExperiment,
  ): Promise<Experiment> {
    return this.experiments.update(principal, name, body);
  }

  @Delete(':name')
  @ApiOperation({ summary: 'Delete an experiment; its directory moves aside, no file is ever deleted' })
  @ApiOkResponse({
    example: { removedDirectory: '/store/99IDZ/.removed/smith-2026-3-20261124T140000000Z' },
  })
  delete(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: deleteExperimentQuery }) query: DeleteExperiment,
  ): Promise<{ removedDirectory: string }> {
    return this.removal.delete(principal, name, { force: query.force === 'true' });
  }
}
