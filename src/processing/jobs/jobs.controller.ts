import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import type { Page } from '../../platform/http/index.js';
import { jobIdParam, type JobListQuery, jobListQuery, type StartJob, startJobSchema } from './job.schema.js';
import { type JobSummary, type JobView, jobViewSchema } from './job.view.js';
import type { JobWhy } from './job-why.js';
import { JobsService } from './jobs.service.js';

@ApiTags('jobs')
@Controller('api/v1/jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  @Get()
  @ApiOperation({ summary: 'Jobs that you may see, newest first' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: jobListQuery }) query: JobListQuery,
  ): Promise<Page<JobSummary>> {
    return this.jobs.list(principal, query);
  }

  @Post()
  @ApiOperation({ summary: 'Start a workflow (members of the experiment; without one, the station manager)' })
  @ApiCreatedResponse({ standardSchema: jobViewSchema })
  start(@CurrentPrincipal() principal: Principal, @Body({ schema: startJobSchema }) body: StartJob): Promise<JobView> {
    return this.jobs.start(principal, body);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One job with its stages and processes: commands, exit status, output, times' })
  @ApiOkResponse({ standardSchema: jobViewSchema })
  get(@CurrentPrincipal() principal: Principal, @Param('id', { schema: jobIdParam }) id: string): Promise<JobView> {
    return this.jobs.get(principal, id);
  }

  @Get(':id/why')
  @ApiOperation({ summary: 'Where a job stands and why, as a sentence and a timeline' })
  why(@CurrentPrincipal() principal: Principal, @Param('id', { schema: jobIdParam }) id: string): Promise<JobWhy> {
    return this.jobs.why(principal, id);
  }

  @Post(':id/stop')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop a job with its whole process tree (owner, PI, station manager)' })
  @ApiOkResponse({ standardSchema: jobViewSchema })
  stop(@CurrentPrincipal() principal: Principal, @Param('id', { schema: jobIdParam }) id: string): Promise<JobView> {
    return this.jobs.stop(principal, id);
  }
}
