import { Controller, Get, Param, Query, type StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessService, CurrentPrincipal, type Principal } from '../../auth/index.js';
import { experimentNameParam, ExperimentsService } from '../../experiments/index.js';
import { StationError } from '../../kernel/errors.js';
import { pathFromText } from '../acquisitions/destination.js';
import { byteStream } from './byte-stream.js';
import { checksumList } from './checksum-list.js';
import type { ManifestEntry } from './manifest-entry.js';
import { manifestLine } from './manifest-line.js';
import { type ManifestQuery, ManifestReader } from './manifest-reader.js';
import { manifestQuery, type ManifestRequest } from './manifest.schema.js';

@ApiTags('experiments')
@Controller('api/v1/experiments/:name/manifest')
export class ManifestController {
  constructor(
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly reader: ManifestReader,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'What is in storage for an experiment, with proof',
    description:
      'A list for `md5sum -c` or `sha256sum -c`, to be checked in the experiment’s directory, or NDJSON with the ' +
      'evidence of each copy. In the lists, files that are not verified (and those without a digest for the program) ' +
      'are comments with the reason, and each line has its evidence in a comment before it; the last comment holds the ' +
      'sums, so a list without it was cut off. Where files have no SHA-256 yet, a list for `sha256sum` is refused ' +
      '(MANIFEST_DIGESTS_MISSING): a deep audit with `sha256` computes them.',
  })
  @ApiOkResponse({
    content: {
      'text/plain': { example: '9e107d9d372bb6826bd81d3542a419d6  data/scan_0001/frame_0001.h5\n' },
      'application/x-ndjson': {},
    },
  })
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: manifestQuery }) { format, versions, pathPrefix, partial }: ManifestRequest,
  ): Promise<StreamableFile> {
    const experiment = await this.experiments.getByName(principal, name);
    await this.access.require(principal, 'file.read', { experimentId: experiment.id });
    const query: ManifestQuery = {
      experimentId: experiment.id,
      pathPrefix: pathFromText(pathPrefix),
      isAllVersions: versions === 'all',
    };
    if (format === 'sha256sum' && !partial) {
      await this.requireDigests(name, query);
    }
    const entries = this.reader.read(query);
    return format === 'ndjson'
      ? byteStream(lines(entries), { type: 'application/x-ndjson', fileName: `${name}.ndjson` })
      : byteStream(checksumList(format, experiment, entries, new Date()), {
          type: 'text/plain',
          fileName: `${name}.${format === 'md5sum' ? 'md5' : 'sha256'}`,
        });
  }

  /** A list without them would be short, and pass every check. */
  private async requireDigests(name: string, query: ManifestQuery): Promise<void> {
    const missing = await this.reader.countWithoutSha256(query);
    if (missing > 0) {
      throw new StationError(
        'conflict',
        'MANIFEST_DIGESTS_MISSING',
        `${missing} verified ${missing === 1 ? 'file has' : 'files have'} no SHA-256 yet. ` +
          `"dm experiment manifest ${name} --format sha256sum --compute" has an audit compute what is missing ` +
          '(POST /api/v1/audits with deep and sha256); partial=true asks for the list as it is.',
        { details: { missing } },
      );
    }
  }
}

async function* lines(entries: AsyncGenerator<ManifestEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    yield Buffer.from(`${JSON.stringify(manifestLine(entry))}\n`);
  }
}
