import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GlobusUrlCopy } from '../../../src/storage/engines/gridftp/globus-url-copy.js';
import { GridftpDestination } from '../../../src/storage/engines/gridftp/gridftp-destination.js';
import { ShellSource } from '../../../src/storage/engines/shell-source.js';
import type { Mover } from '../../../src/storage/engines/sides.port.js';
import { StagedTransferEngine } from '../../../src/storage/engines/staged-transfer-engine.js';
import { justifiesDeletion, type TransferEngine, type TransferTask } from '../../../src/storage/index.js';
import { LocalShell } from '../../../src/storage/shell/local-shell.js';
import { GRIDFTP_PROGRAMS, startGridftp, type TestGridftp } from '../../support/gridftp.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { transferEngineContract } from './transfer-engine.suite.js';

describeWithPrograms('GridFTP', GRIDFTP_PROGRAMS, () => {
  let gridftp: TestGridftp;
  beforeAll(async () => {
    gridftp = await startGridftp();
  });
  afterAll(() => gridftp.stop());

  function open(through: (mover: Mover) => Mover = (mover) => mover): TransferEngine {
    const destination = new GridftpDestination(gridftp.server);
    return new StagedTransferEngine(
      new ShellSource(new LocalShell()),
      destination,
      through(new GlobusUrlCopy(gridftp.server)),
      () => Promise.resolve(destination.close()),
    );
  }

  transferEngineContract('GridFTP push', open, {
    proof: 'read-back-unsynced',
    capabilities: { sync: false, owner: false, hardLinks: false },
    fillsHoles: true,
    refuses: (name) => name.some((byte) => byte < 0x20 || byte > 0x7e),
  });

  describe('when something goes wrong', () => {
    let folder: string;
    let engine: TransferEngine;
    beforeEach(() => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-gridftp-')));
      mkdirSync(join(folder, 'source'));
      mkdirSync(join(folder, 'experiment'));
      engine = open();
    });
    afterEach(async () => {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    });

    function aTask(name: string, changes: Partial<TransferTask> = {}): TransferTask {
      const stats = lstatSync(join(folder, 'source', name), { bigint: true });
      return {
        id: '42',
        sourcePath: Buffer.from(join(folder, 'source', name)),
        sourceRoots: [Buffer.from(join(folder, 'source'))],
        expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
        experimentDirectory: Buffer.from(join(folder, 'experiment')),
        destinationPath: Buffer.from(`data/${name}`),
        replaces: null,
        mode: 'copy',
        proof: 'read-back',
        fileMode: 0o640,
        directoryMode: 0o2770,
        ...changes,
      };
    }

    function filesBelow(directory: string): string[] {
      return readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
        .sort();
    }

    it('gives a proof that never justifies a deletion, since the channel cannot sync', async () => {
      writeFileSync(join(folder, 'source/a'), 'content');
      const [outcome] = await engine.transfer([aTask('a')]);
      expect(outcome).toMatchObject({ status: 'published', proof: 'read-back-unsynced' });
      expect(outcome?.status === 'published' && justifiesDeletion(outcome.proof)).toBe(false);
    });

    it('finds a copy that was corrupted on its way, by the checksum of the server', async () => {
      writeFileSync(join(folder, 'source/a'), 'content');
      const corrupting = open((mover) => ({
        move: async (moves) => {
          const faults = await mover.move(moves);
          moves.forEach((move) => writeFileSync(Buffer.from(move.temporaryPath), 'cOntent'));
          return faults;
        },
        close: () => mover.close(),
      }));
      expect(await corrupting.transfer([aTask('a')])).toMatchObject([{ status: 'corrupt' }]);
      expect(filesBelow(join(folder, 'experiment'))).toEqual([]);
      await corrupting.close();
    });

    it('survives connections that break: nothing half there, then all of it', async () => {
      const content = randomBytes(3_000_000);
      writeFileSync(join(folder, 'source/a'), content);
      let cuts = 0;
      const breaking = open((mover) => ({
        move: async (moves) => {
          const faults = await mover.move(moves);
          cuts += cuts === 0 ? gridftp.cut() : 0;
          return faults;
        },
        close: () => mover.close(),
      }));
      await expect(breaking.transfer([aTask('a')])).rejects.toMatchObject({
        code: 'HOST_UNREACHABLE',
        retryable: true,
      });
      expect(cuts).toBeGreaterThan(0);
      expect(filesBelow(join(folder, 'experiment'))).toEqual(['data/.dm-42.part']);
      expect(await breaking.transfer([aTask('a', { id: '43' })])).toMatchObject([{ status: 'published' }]);
      await breaking.discard([aTask('a')]);
      await breaking.close();
      expect(filesBelow(join(folder, 'experiment'))).toEqual(['data/a']);
      expect(readFileSync(join(folder, 'experiment/data/a')).equals(content)).toBe(true);
    });

    it('carries blanks and quotes in names', async () => {
      mkdirSync(join(folder, 'source/sub'));
      writeFileSync(join(folder, 'source/sub/a'), 'content');
      expect(
        await engine.transfer([aTask('sub/a', { destinationPath: Buffer.from('data/with spaces/"q"/a b') })]),
      ).toMatchObject([{ status: 'published' }]);
      expect(filesBelow(join(folder, 'experiment'))).toEqual(['data/with spaces/"q"/a b']);
    });

    it('brings a batch of many small files with one call of globus-url-copy', async () => {
      const tasks = Array.from({ length: 100 }, (_, index) => {
        const name = `f${index}`;
        writeFileSync(join(folder, 'source', name), randomBytes(1000));
        return aTask(name, { id: String(index), destinationPath: Buffer.from(`data/${index % 7}/${name}`) });
      });
      const outcomes = await engine.transfer(tasks);
      expect(new Set(outcomes.map((outcome) => outcome.status))).toEqual(new Set(['published']));
      expect(filesBelow(join(folder, 'experiment'))).toHaveLength(100);
    });

    it('says when the server is not there', async () => {
      writeFileSync(join(folder, 'source/a'), 'content');
      const server = { ...gridftp.server, port: 1 };
      const lost = new StagedTransferEngine(
        new ShellSource(new LocalShell()),
        new GridftpDestination(server),
        new GlobusUrlCopy(server),
      );
      await expect(lost.transfer([aTask('a')])).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' });
    });
  });
});
