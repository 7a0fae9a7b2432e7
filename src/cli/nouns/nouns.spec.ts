import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../../test/support/scripted-cli.js';
import { page, type ScriptedStation } from '../../../test/support/scripted-station.js';
import { EXIT } from '../exit-codes.js';

const counts = {
  found: 3,
  settling: 0,
  queued: 0,
  active: 0,
  done: 3,
  failed: 0,
  quarantined: 0,
  skipped: 0,
  cancelled: 0,
  unchanged: 0,
  bytesDone: 3000,
  bytesTotal: 3000,
};
const upload = {
  id: '11',
  kind: 'upload',
  status: 'running',
  experiment: 'e1',
  dataDirectory: '/src',
  destDirectory: 'data',
  counts,
  startedAt: '2026-11-21T08:15:00Z',
  endedAt: null,
  errorMessage: null,
  warnings: [],
};
const done = { ...upload, status: 'done', endedAt: '2026-11-21T08:15:02Z' };

describe('dm', () => {
  let cli: ScriptedCli;
  let station: ScriptedStation;
  const dm: ScriptedCli['run'] = (...given) => cli.run(...given);

  beforeEach(async () => {
    cli = await ScriptedCli.start();
    ({ station } = cli);
  });
  afterEach(() => cli.stop());

  describe('upload', () => {
    it('sends metadata and options, waits, and sums up', async () => {
      let polls = 0;
      station.on('POST /api/v1/acquisitions', {
        status: 201,
        body: { ...upload, preflight: { verdict: 'ok', findings: [] } },
      });
      station.on('GET /api/v1/acquisitions/11', () => ({ body: (polls += 1) < 3 ? upload : done }));
      const argv = [
        'upload',
        'scans',
        '-e',
        'e1',
        'sample:AgBeh',
        'link:http://a:1',
        '--include',
        '*.h5',
        '--quiet',
        '2s',
      ];
      const { exitCode, stdout } = await dm([...argv, '--workflow', 'ruth/fit', '--workflow-arg', 'width:3']);

      expect(exitCode).toBe(EXIT.ok);
      expect(stdout).toBe('Upload 11 done in 2.00 s: 3 found: 3 done, 3.0 kB.\n');
      expect(station.seen('POST /api/v1/acquisitions').body).toEqual({
        kind: 'upload',
        experiment: 'e1',
        dataDirectory: join(cli.directory, 'scans'),
        includePatterns: ['*.h5'],
        quietSeconds: 2,
        metadata: { sample: 'AgBeh', link: 'http://a:1' },
        workflow: { owner: 'ruth', name: 'fit', args: { width: '3' } },
      });
    });

    it('ends with 20 and names the files when some did not arrive', async () => {
      const bad = { ...done, counts: { ...counts, done: 2, quarantined: 1 } };
      const row = { path: 'data/a\\x0ab', state: 'quarantined', reason: 'destination-collision' };
      station.on('POST /api/v1/acquisitions', { status: 201, body: upload });
      station.on('GET /api/v1/acquisitions/11', { body: bad });
      station.on('GET /api/v1/acquisitions/11/files', ({ query }) =>
        page(...(query['state'] === row.state ? [row] : [])),
      );
      const { exitCode, stdout } = await dm(['upload', '.', '-e', 'e1']);
      expect(exitCode).toBe(EXIT.workFailed);
      expect(stdout).toContain('quarantined  data/a\\x0ab  destination-collision');
    });

    it('does not wait under --no-wait', async () => {
      station.on('POST /api/v1/acquisitions', { status: 201, body: upload });
      expect((await dm(['upload', '.', '-e', 'e1', '--no-wait'])).stdout).toContain('dm acquisition show 11');
    });

    it('passes on what the preflight warns of', async () => {
      const preflight = { verdict: 'warning', findings: [{ code: 'EMPTY', message: 'The directory is empty.' }] };
      station.on('POST /api/v1/acquisitions', { status: 201, body: { ...upload, preflight } });
      station.on('GET /api/v1/acquisitions/11', { body: done });
      expect((await dm(['upload', '.', '-e', 'e1'])).stderr).toBe('Warning: The directory is empty.\n');
    });
  });

  describe('sends what was asked for', () => {
    const acquisitions = 'POST /api/v1/acquisitions';
    const actions = 'POST /api/v1/experiments/e1/ledger/actions';
    const tasks = 'POST /api/v1/file-tasks';
    const start = 'POST /api/v1/file-tasks/t1/start';
    const from = { experiment: 'e1', dataDirectory: '/src' };
    const uploadOf = (...options: string[]) => ['upload', '/src', '-e', 'e1', '--no-wait', ...options];
    const daqOf = (...options: string[]) => ['daq', 'start', '/src', '-e', 'e1', ...options];
    const task = {
      id: 't1',
      token: 'seen',
      kind: 'delete',
      status: 'previewed',
      experiment: 'e1',
      files: 3,
      bytes: 3000,
      lastCopies: 0,
    };

    beforeEach(() => {
      station.on(acquisitions, { status: 201, body: upload });
      station.on('GET /api/v1/acquisitions/11', { body: upload });
      station.on('DELETE /api/v1/acquisitions/11', { status: 204 });
      station.on('POST /api/v1/acquisitions/11/resume', { status: 201, body: upload });
      station.on('POST /api/v1/acquisitions/clear', { body: { cleared: 2 } });
      station.on(actions, { body: { changed: 1, left: [] } });
      station.on('GET /api/v1/experiments/e1/files/by-path', { body: { id: 'f1', path: 'data/a', version: 1 } });
      station.on('DELETE /api/v1/experiments/e1/files/f1', { status: 204 });
      station.on(tasks, { status: 201, body: task });
      station.on('GET /api/v1/file-tasks/t1/items', page({ path: 'data/a', version: 1 }));
      station.on(start, { body: { ...task, status: 'running' } });
    });

    it.each<[argv: string[], route: string, body: unknown]>([
      [['file', 'retry', 'data/a', '-e', 'e1'], actions, { action: 'retry', paths: ['data/a'] }],
      [['file', 'release', 'data/a', '-e', 'e1'], actions, { action: 'release', paths: ['data/a'] }],
      [['file', 'release', 'data/a', '-e', 'e1', '--accept'], actions, { action: 'accept', paths: ['data/a'] }],
      [
        ['file', 'release', 'data/a', '-e', 'e1', '--skip', 'a test'],
        actions,
        { action: 'skip', reason: 'a test', paths: ['data/a'] },
      ],

      [['acquisition', 'resume', '11'], 'POST /api/v1/acquisitions/11/resume', {}],
      [['acquisition', 'retry', '11'], actions, { action: 'retry', acquisitionId: '11' }],
      [['acquisition', 'retry', '11', '--quarantined'], actions, { action: 'release', acquisitionId: '11' }],
      [['acquisition', 'clear-ended', '-e', 'e1', '--yes'], 'POST /api/v1/acquisitions/clear', { experiment: 'e1' }],
      [['acquisition', 'clear', '11', '--yes'], 'DELETE /api/v1/acquisitions/11', undefined],

      [
        ['file', 'compress', '-e', 'e1', '--pattern', '*.tif', '--no-wait'],
        tasks,
        { kind: 'compress', experiment: 'e1', pattern: '*.tif', algorithm: 'gzip' },
      ],
      [
        ['file', 'compress', '-e', 'e1', '--regex', 'tif$', '--algorithm', 'zstd', '--remove-originals', '--preview'],
        tasks,
        { kind: 'compress', experiment: 'e1', regex: 'tif$', algorithm: 'zstd', removeOriginals: true },
      ],
      [['file', 'compress', '-e', 'e1', '--pattern', '*', '--no-wait'], start, { token: 'seen' }],
      [
        ['file', 'decompress', '-e', 'e1', '--filter', '{"sizeBytes":1}', '--remove-originals', '--no-wait', '--yes'],
        tasks,
        { kind: 'decompress', experiment: 'e1', filter: '{"sizeBytes":1}', removeOriginals: true },
      ],
      [['file', 'decompress', '-e', 'e1', '--pattern', '*', '--no-wait'], start, { token: 'seen' }],
      [
        ['file', 'delete', '-e', 'e1', '--pattern', 'test_*', '--all-versions', '--no-wait', '--yes'],
        tasks,
        { kind: 'delete', experiment: 'e1', pattern: 'test_*', allVersions: true },
      ],
      [['file', 'delete', '-e', 'e1', '--pattern', '*', '--no-wait', '--yes'], start, { token: 'seen' }],
      [['file', 'delete', 'data/a', '-e', 'e1', '--yes'], 'DELETE /api/v1/experiments/e1/files/f1', undefined],

      [uploadOf('--reprocess'), acquisitions, { kind: 'upload', ...from, reprocessFiles: true }],
      [uploadOf('--as-directory'), acquisitions, { kind: 'upload', ...from, processingMode: 'directory' }],
      [uploadOf('--skip-transfer'), acquisitions, { kind: 'upload', ...from, skipTransfer: true }],
      [uploadOf('--skip-checksum'), acquisitions, { kind: 'upload', ...from, skipChecksum: true }],
      [uploadOf('--skip-catalog'), acquisitions, { kind: 'upload', ...from, skipCatalog: true }],
      [uploadOf('--skip-plugins', 'a,b'), acquisitions, { kind: 'upload', ...from, skipPlugins: ['a', 'b'] }],
      [uploadOf('--remove-source-files'), acquisitions, { kind: 'upload', ...from, removeSourceFiles: true }],
      [
        uploadOf('--only-file', 'a', '--only-file', 'b'),
        acquisitions,
        { kind: 'upload', ...from, onlyFiles: ['a', 'b'] },
      ],
      [
        uploadOf('--analysis', '--dest-directory', 'x'),
        acquisitions,
        { kind: 'upload', ...from, useAnalysisDirectoryAsRoot: true, destDirectory: 'x' },
      ],
      [
        daqOf('--duration', '12h', '--process-existing'),
        acquisitions,
        { kind: 'monitor', ...from, durationSeconds: 43_200, processExisting: true },
      ],
      [
        daqOf('--upload-data-directory-on-exit', '/logs', '--upload-dest-directory-on-exit', 'logs'),
        acquisitions,
        { kind: 'monitor', ...from, uploadDataDirectoryOnExit: '/logs', uploadDestDirectoryOnExit: 'logs' },
      ],
    ])('%j', async (argv, route, body) => {
      expect(await dm(argv)).toMatchObject({ exitCode: EXIT.ok });
      expect(station.seen(route).body).toEqual(body);
    });
  });

  describe('file why', () => {
    const why = {
      path: 'data/-rf.h5',
      verdict: 'It is safe: verified and cataloged.',
      rows: [
        {
          id: '5',
          version: 1,
          state: 'done',
          reason: null,
          attempts: 1,
          source: { host: 'det', path: '/src/-rf.h5' },
          sizeBytes: 10,
          dueAt: null,
          md5Sum: 'abc',
          timeline: [{ at: '2026-11-21T08:15:00.250Z', what: 'seen' }],
        },
      ],
    };

    it('tells the verdict first, then what happened when', async () => {
      station.on('GET /api/v1/experiments/e1/why', { body: why });
      const { stdout } = await dm(['file', 'why', '-e', 'e1', '--', 'data/-rf.h5']);
      expect(stdout.split('\n').slice(0, 4)).toEqual(['data/-rf.h5', '', 'It is safe: verified and cataloged.', '']);
      expect(stdout).toContain('version 1, done, 10 B, md5 abc\n  from det:/src/-rf.h5\n');
      expect(stdout).toMatch(/:00\.250 {2}seen/);
    });

    it('finds the experiment of a path in storage by itself', async () => {
      station.on('GET /api/v1/experiments', page({ name: 'e1', storageDirectory: '/store/S/e1' }));
      station.on('GET /api/v1/experiments/e1/why', { body: why });
      await dm(['file', 'why', '/store/S/e1/data/-rf.h5']);
      expect(station.seen('GET /api/v1/experiments/e1/why').query).toEqual({ path: 'data/-rf.h5' });
    });
  });

  it('streams a whole catalog through, a document a line', async () => {
    station.on('GET /api/v1/experiments/e1/files', ({ headers }, response) => {
      expect(headers['accept']).toBe('application/x-ndjson');
      response.end('{"path":"a"}\n{"path":"b"}\n');
      return undefined;
    });
    expect((await dm(['file', 'list', '-e', 'e1', '--stream'])).stdout).toBe('{"path":"a"}\n{"path":"b"}\n');
  });

  it('changes metadata of a file by its path', async () => {
    const file = { id: 'f1', path: 'data/a', version: 1, sizeBytes: 1, replicas: [], metadata: {} };
    station.on('GET /api/v1/experiments/e1/files/by-path', { body: file });
    station.on('PATCH /api/v1/experiments/e1/files/f1', { body: file });
    await dm(['file', 'update', 'data/a', 'sample:B', '--unset', 'old', '--set-json', '{"energy":12.4}', '-e', 'e1']);
    expect(station.seen('PATCH /api/v1/experiments/e1/files/f1').body).toEqual({
      metadata: { energy: 12.4, sample: 'B', old: null },
    });
  });

  it('puts a workflow in the place of another under --replace', async () => {
    const definition = { owner: 'ruth', name: 'fit', stages: { '010': { command: 'true' } } };
    station.on('PUT /api/v1/workflows/ruth/fit', { body: definition });
    const { stdout } = await dm(['workflow', 'add', '-', '--replace'], { stdin: JSON.stringify(definition) });
    expect(stdout).toBe('Defined ruth/fit with 1 stage.\n');
  });

  it('waits for a job and ends with 20 when it failed', async () => {
    const job = {
      id: '9',
      status: 'failed',
      workflow: { owner: 'ruth', name: 'fit' },
      errorMessage: 'stage 010 failed',
    };
    station.on('POST /api/v1/jobs', { status: 201, body: { ...job, status: 'pending' } });
    station.on('GET /api/v1/jobs/9', { body: job });
    const { exitCode, stdout } = await dm(['job', 'start', 'ruth/fit', 'filePath:/a:b', '--wait']);
    expect(exitCode).toBe(EXIT.workFailed);
    expect(stdout).toContain('stage 010 failed');
    expect(station.seen('POST /api/v1/jobs').body).toEqual({
      workflow: { owner: 'ruth', name: 'fit' },
      args: { filePath: '/a:b' },
    });
  });

  it('finds the monitor to stop by experiment and directory', async () => {
    const monitor = { ...upload, id: '12', kind: 'monitor', dataDirectory: '/det' };
    station.on('GET /api/v1/acquisitions', page({ ...monitor, id: '3', dataDirectory: '/other' }, monitor));
    station.on('POST /api/v1/acquisitions/12/stop', { body: { ...monitor, status: 'finalizing' } });
    const { stdout } = await dm(['daq', 'stop', '-e', 'e1', '--directory', '/det']);
    expect(stdout).toBe('DAQ 12 is finalizing.\n');
  });

  it.each([[['acquisition', 'stop', '12', '--wait']], [['daq', 'stop', '12', '--wait']]])(
    'waits under %j, and says the last file, who stopped it and why',
    async (argv) => {
      const monitor = { ...upload, id: '12', kind: 'monitor' };
      const end = { endReason: 'stopped', stoppedBy: 'ruth', lastFile: { path: 'data/last.h5', doneAt: '' } };
      let polls = 0;
      station.on('POST /api/v1/acquisitions/12/stop', { body: { ...monitor, status: 'finalizing' } });
      station.on('GET /api/v1/acquisitions/12', () => ({
        body: (polls += 1) < 3 ? { ...monitor, status: 'finalizing' } : { ...monitor, ...end, status: 'done' },
      }));
      const { exitCode, stdout } = await dm(argv);
      expect({ exitCode, polls }).toEqual({ exitCode: EXIT.ok, polls: 3 });
      expect(stdout).toMatch(/why it ended +stopped by ruth\nlast file +data\/last\.h5/);
    },
  );

  it.each([
    [['acquisition', 'list', '--kind', 'upload'], { kind: 'upload' }],
    [['daq', 'list'], { kind: 'monitor' }],
  ])('looks back in time with %j, also at what was cleared', async (argv, query) => {
    station.on('GET /api/v1/acquisitions', page(done));
    const [since, until] = ['2026-11-20T00:00:00.000Z', '2026-11-21T08:15:00.000Z'];
    await dm([...argv, '-e', 'e1', '--status', 'done', '--since', since, '--until', until, '--cleared']);
    expect(station.seen('GET /api/v1/acquisitions').query).toMatchObject({
      ...query,
      experiment: 'e1',
      status: 'done',
      since,
      until,
      cleared: 'true',
    });
  });

  it('shows the token of a machine alone on stdout, so that a script can take it', async () => {
    station.on('POST /api/v1/tokens', {
      status: 201,
      body: { id: 4, token: 'dmt_x', expiresAt: '2027-01-01T00:00:00Z' },
    });
    const { stdout } = await dm(['token', 'create', 'bluesky', '--expires-in-days', '9', '--roles', 'operator']);
    expect(stdout).toBe('dmt_x\n');
    expect(station.seen('POST /api/v1/tokens').body).toEqual({
      name: 'bluesky',
      expiresInDays: 9,
      roles: ['operator'],
    });
  });

  it('follows events of a kind until it has seen enough', async () => {
    station.on('GET /api/v1/events', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const [id, type] of ['files.done', 'job.started', 'job.done'].entries()) {
        response.write(`id: ${id}\ndata: ${JSON.stringify({ id, type, at: '', subject: null, data: {} })}\n\n`);
      }
      return undefined;
    });
    const { stdout } = await dm(['events', '--type', 'job.*', '--count', '2', '--json']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(['job.started', 'job.done']);
  });
});
