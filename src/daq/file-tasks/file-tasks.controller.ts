import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import type { Page } from '../../platform/http/index.js';
import {
  type FileTaskBody,
  fileTaskBody,
  fileTaskId,
  type FileTaskItemsQuery,
  fileTaskItemsQuery,
  type FileTaskItemView,
  fileTaskSchema,
  type FileTasksQuery,
  fileTasksQuery,
  type FileTaskView,
  type StartFileTaskBody,
  startFileTaskBody,
} from './file-task.schema.js';
import { FileTasksService } from './file-tasks.service.js';

@ApiTags('file-tasks')
@Controller('api/v1/file-tasks')
export class FileTasksController {
  constructor(private readonly tasks: FileTasksService) {}

  @Post()
  @ApiOperation({
    summary: 'Preview a compress, decompress or delete: exactly which files, how many, how large',
    description:
      'Nothing is touched yet. `GET /file-tasks/{id}/items` lists the files; `POST /file-tasks/{id}/start` with the ' +
      'token begins. What has changed by then is left out and told. A preview is forgotten after a day.',
  })
  @ApiCreatedResponse({ standardSchema: fileTaskSchema })
  preview(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: fileTaskBody }) body: FileTaskBody,
  ): Promise<FileTaskView> {
    return this.tasks.preview(principal, body);
  }

  @Get()
  @ApiOperation({ summary: 'File tasks that you may see, newest first: who did what, and how far it is' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: fileTasksQuery }) query: FileTasksQuery,
  ): Promise<Page<FileTaskView>> {
    return this.tasks.list(principal, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One file task with its progress' })
  @ApiOkResponse({ standardSchema: fileTaskSchema })
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
  ): Promise<FileTaskView> {
    return this.tasks.get(principal, id);
  }

  @Get(':id/items')
  @ApiOperation({ summary: 'Its files, and what became of each' })
  items(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
    @Query({ schema: fileTaskItemsQuery }) query: FileTaskItemsQuery,
  ): Promise<Page<FileTaskItemView>> {
    return this.tasks.items(principal, id, query);
  }

  @Post(':id/start')
  @HttpCode(202)
  @ApiOperation({ summary: 'Begin a previewed task; it goes on in the background, also after a restart' })
  @ApiAcceptedResponse({ standardSchema: fileTaskSchema })
  start(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
    @Body({ schema: startFileTaskBody }) { token }: StartFileTaskBody,
  ): Promise<FileTaskView> {
    return this.tasks.start(principal, id, token);
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @ApiOperation({ summary: 'Stop a task after the file that it is at' })
  @ApiAcceptedResponse({ standardSchema: fileTaskSchema })
  cancel(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
  ): Promise<FileTaskView> {
    return this.tasks.cancel(principal, id);
  }

  @Post(':id/undo')
  @HttpCode(202)
  @ApiOperation({ summary: 'Bring back from the trash what the task deleted' })
  @ApiAcceptedResponse({ standardSchema: fileTaskSchema })
  undo(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
  ): Promise<FileTaskView> {
    return this.tasks.undo(principal, id);
  }

  @Post(':id/empty')
  @HttpCode(202)
  @ApiOperation({ summary: 'Empty the trash of a task at once; there is no way back' })
  @ApiAcceptedResponse({ standardSchema: fileTaskSchema })
  empty(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: fileTaskId }) id: string,
  ): Promise<FileTaskView> {
    return this.tasks.empty(principal, id);
  }
}
