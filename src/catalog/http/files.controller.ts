import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  type StreamableFile,
} from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import { experimentNameParam, ExperimentsService } from '../../experiments/index.js';
import type { CatalogFile } from '../catalog-file.js';
import { CatalogService } from '../catalog.service.js';
import type { FilePage, FileQuery } from '../file-catalog.port.js';
import { parseSort } from '../file-sort.js';
import { parseFilterText } from '../filter/parse-filter.js';
import {
  type AddFile,
  addFileSchema,
  type ByPath,
  byPathQuery,
  fileIdParam,
  filePageSchema,
  fileSchema,
  type ListFiles,
  listFilesQuery,
  type UpdateFile,
  updateFileSchema,
} from './file.schema.js';
import { ndjsonOf, wantsNdjson } from './ndjson.js';

@ApiTags('files')
@Controller('api/v1/experiments/:name/files')
export class FilesController {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly catalog: CatalogService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Search the catalog of an experiment, newest first',
    description:
      'Answers a page; with `Accept: application/x-ndjson` all files from `cursor` on, one JSON document per line ' +
      '(`limit` is then ignored). Both take the same filter, a safe subset of MongoDB’s.',
  })
  @ApiOkResponse({ standardSchema: filePageSchema })
  async list(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: listFilesQuery }) query: ListFiles,
    @Headers('accept') accept: string | undefined,
  ): Promise<FilePage | StreamableFile> {
    const { id } = await this.experiments.getByName(principal, name);
    const fileQuery = toFileQuery(query);
    return wantsNdjson(accept)
      ? ndjsonOf(await this.catalog.stream(principal, id, fileQuery))
      : this.catalog.query(principal, id, fileQuery);
  }

  @Post()
  @ApiOperation({ summary: 'Add a record by hand, for a file that the station did not move itself' })
  @ApiCreatedResponse({ standardSchema: fileSchema })
  async add(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Body({ schema: addFileSchema }) body: AddFile,
  ): Promise<CatalogFile> {
    const { id } = await this.experiments.getByName(principal, name);
    return this.catalog.add(principal, id, { ...body, modifiedAt: body.modifiedAt ?? new Date() });
  }

  // Before `:id`, which would take it for an id.
  @Get('by-path')
  @ApiOperation({ summary: 'The file of this path: the given version, else the latest' })
  @ApiOkResponse({ standardSchema: fileSchema })
  async getByPath(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: byPathQuery }) { path, version }: ByPath,
  ): Promise<CatalogFile> {
    const { id } = await this.experiments.getByName(principal, name);
    return this.catalog.getByPath(principal, id, path, version);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One file version' })
  @ApiOkResponse({ standardSchema: fileSchema })
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Param('id', { schema: fileIdParam }) fileId: string,
  ): Promise<CatalogFile> {
    const { id } = await this.experiments.getByName(principal, name);
    return this.catalog.get(principal, id, fileId);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Merge into the metadata; null removes a key. With `revision` only if nobody changed it' })
  @ApiOkResponse({ standardSchema: fileSchema })
  async update(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Param('id', { schema: fileIdParam }) fileId: string,
    @Body({ schema: updateFileSchema }) body: UpdateFile,
  ): Promise<CatalogFile> {
    const { id } = await this.experiments.getByName(principal, name);
    return this.catalog.update(principal, id, fileId, { metadata: body.metadata }, body.revision);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove the record; the file itself stays where it is' })
  @ApiNoContentResponse()
  async delete(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Param('id', { schema: fileIdParam }) fileId: string,
  ): Promise<void> {
    const { id } = await this.experiments.getByName(principal, name);
    await this.catalog.delete(principal, id, fileId);
  }
}

function toFileQuery(query: ListFiles): FileQuery {
  return {
    filter: query.filter === undefined ? undefined : parseFilterText(query.filter),
    sort: query.sort === undefined ? undefined : parseSort(query.sort),
    limit: query.limit,
    cursor: query.cursor,
    latestOnly: query.versions === 'latest',
  };
}
