import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../../auth/index.js';
import type { Page } from '../../../platform/http/index.js';
import type { ReaderDefinition } from '../definitions/reader-definition.js';
import type { ReaderFindings } from '../metadata-readers.port.js';
import { ReadersService } from '../readers.service.js';
import {
  findingsSchema,
  newReaderNameParam,
  readerNameParam,
  readerSchema,
  type ReaderSettingsBody,
  readerSettingsBody,
  readersSchema,
  type TrialBody,
  trialBody,
} from './reader.schema.js';

/** As far as a response is needed here; it closes when it is sent, too, and then nothing is left to stop. */
interface Closable {
  once(event: 'close', listener: () => void): unknown;
}

@ApiTags('metadata-readers')
@Controller('api/v1/metadata-readers')
export class ReadersController {
  constructor(private readonly readers: ReadersService) {}

  @Get()
  @ApiOperation({ summary: 'Metadata readers in the order in which they are asked (station manager)' })
  @ApiOkResponse({ standardSchema: readersSchema })
  async list(@CurrentPrincipal() principal: Principal): Promise<Page<ReaderDefinition>> {
    return { items: await this.readers.list(principal), nextCursor: null };
  }

  // Before `:name`, which would take it for a name.
  @Post('trial')
  @HttpCode(200)
  @ApiOperation({ summary: 'What a reader finds in a file of an experiment; nothing is recorded (station manager)' })
  @ApiOkResponse({ standardSchema: findingsSchema })
  async try(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: trialBody }) body: TrialBody,
    @Res({ passthrough: true }) response: Closable,
  ): Promise<ReaderFindings> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client has gone')));
    return this.readers.try(principal, body, gone.signal);
  }

  @Get(':name')
  @ApiOperation({ summary: 'One metadata reader (station manager)' })
  @ApiOkResponse({ standardSchema: readerSchema })
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: readerNameParam }) name: string,
  ): Promise<ReaderDefinition> {
    return this.readers.get(principal, name);
  }

  @Put(':name')
  @ApiOperation({
    summary: 'Define a reader of your own, or set a built-in one (station manager)',
    description:
      'The whole definition; what is left out gets its default. A built-in reader (hdf5, tiff, mda, spec, cbf, edf, json, ' +
      'yaml) can be switched off, moved and given other limits. The executable gets the path of the file as an argument, ' +
      'never through a shell, and prints JSON or lines `key: value`.',
  })
  @ApiOkResponse({ standardSchema: readerSchema })
  put(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: newReaderNameParam }) name: string,
    @Body({ schema: readerSettingsBody }) body: ReaderSettingsBody,
  ): Promise<ReaderDefinition> {
    return this.readers.put(principal, name, body);
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a reader; a built-in one gets its defaults back (station manager)' })
  @ApiNoContentResponse()
  remove(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: readerNameParam }) name: string,
  ): Promise<void> {
    return this.readers.remove(principal, name);
  }
}
