import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestsBelow } from './digests.ts';
import type { DocumentFact, Evidence, LedgerFact, ReplicaFact } from './evidence.ts';
import { judge } from './judge.ts';

const FILES = ['scan 1/a.tif', 'scan 1/b.tif', 'c.h5'];
const REWRITTEN = 'c.h5';

/** Real files in a source and a storage directory, with the records of a station that did everything right. */
class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'dm-judge-'));
  ledger: LedgerFact[] = [];
  replicas: ReplicaFact[] = [];
  documents: DocumentFact[] = [];
  damaged = new Set<string>();

  async fill(): Promise<void> {
    for (const file of FILES) {
      this.write(`source/${file}`, `content of ${file}`);
      this.write(`storage/data/${file}`, `content of ${file}`);
    }
    this.write(`storage/system/versions/v1/data/${REWRITTEN}`, 'older content');
    const stored = await digestsBelow(join(this.folder, 'storage'));
    for (const location of stored.keys()) {
      const path = location.replace('system/versions/v1/', '');
      const version = path === location && path.endsWith(REWRITTEN) ? 2 : 1;
      const id = String(this.ledger.length + 1);
      const md5Sum = stored.get(location) ?? null;
      this.ledger.push({ id, path, version, state: 'done', md5Sum, reason: null, reprocesses: null });
      this.replicas.push({ ledgerId: id, location, md5Sum });
      this.documents.push({ path, version, md5Sum, ledgerId: id });
    }
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  /** What is found, as `breach path`. */
  async findings(): Promise<string[]> {
    const sources = await digestsBelow(join(this.folder, 'source'));
    const evidence: Evidence = {
      sources: new Map([...sources].map(([path, md5Sum]) => [`data/${path}`, md5Sum])),
      stored: await digestsBelow(join(this.folder, 'storage')),
      ledger: this.ledger,
      replicas: this.replicas,
      documents: this.documents,
      statistics: { countFiles: this.documents.length },
      damaged: this.damaged,
    };
    return judge(evidence).map(({ breach, path }) => `${breach} ${path}`);
  }

  row(path: string): LedgerFact {
    return this.ledger.find((row) => row.path === path)!;
  }
}

describe(judge, () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = new Scene();
    await scene.fill();
  });
  afterEach(() => rmSync(scene.folder, { recursive: true }));

  it('finds nothing where everything is right, older versions included', async () => {
    expect(scene.ledger.length).toBe(4);
    expect(await scene.findings()).toEqual([]);
  });

  describe('a loss', () => {
    it('is a source file without a row', async () => {
      scene.write('source/new.tif', 'x');
      expect(await scene.findings()).toEqual(['lost data/new.tif']);
    });

    it('is a source file whose last content was not taken', async () => {
      scene.write('source/scan 1/a.tif', 'last content');
      expect(await scene.findings()).toEqual(['lost data/scan 1/a.tif']);
    });

    it('is a copy that is gone, which leaves a record of nothing', async () => {
      rmSync(join(scene.folder, 'storage/data/scan 1/a.tif'));
      expect(await scene.findings()).toEqual(['lost data/scan 1/a.tif', 'phantom data/scan 1/a.tif']);
    });

    it('is a done file that is not in the catalog', async () => {
      scene.documents.shift();
      expect(await scene.findings()).toEqual([`lost ${scene.ledger[0]!.path}`]);
    });

    it('is a file whose row never ended', async () => {
      Object.assign(scene.row('data/scan 1/b.tif'), { state: 'quarantined', reason: 'for a test' });
      expect((await scene.findings()).toSorted()).toEqual([
        'lost data/scan 1/b.tif',
        'other data/scan 1/b.tif',
        'phantom data/scan 1/b.tif',
      ]);
    });
  });

  describe('corruption', () => {
    it('is one wrong byte in a copy', async () => {
      scene.write('storage/data/scan 1/a.tif', 'content of scan 1/a.tiF');
      expect(await scene.findings()).toEqual(['corrupt data/scan 1/a.tif']);
    });

    it('is one wrong byte in an older version', async () => {
      scene.write(`storage/system/versions/v1/data/${REWRITTEN}`, 'oldeR content');
      expect(await scene.findings()).toEqual([`corrupt system/versions/v1/data/${REWRITTEN}`]);
    });

    it('is a digest in the catalog that is not that of the ledger', async () => {
      scene.documents[0]!.md5Sum = '0'.repeat(32);
      expect(await scene.findings()).toEqual([`corrupt ${scene.documents[0]!.path}`]);
    });
  });

  describe('a double', () => {
    it('is a second document of a version', async () => {
      scene.documents.push({ ...scene.documents[0]! });
      expect(await scene.findings()).toEqual([`duplicated ${scene.documents[0]!.path}`]);
    });

    it('is a second done row of a version', async () => {
      const row = scene.row('data/scan 1/b.tif');
      scene.ledger.push({ ...row, id: '99' });
      scene.replicas.push({ ledgerId: '99', location: row.path, md5Sum: row.md5Sum });
      expect(new Set(await scene.findings())).toEqual(new Set(['duplicated data/scan 1/b.tif']));
    });

    it('is a version with the content of the one before', async () => {
      const row = scene.row('data/scan 1/b.tif');
      scene.ledger.push({ ...row, id: '99', version: 2 });
      scene.replicas.push({ ledgerId: '99', location: row.path, md5Sum: row.md5Sum });
      scene.documents.push({ path: row.path, version: 2, md5Sum: row.md5Sum, ledgerId: '99' });
      expect(await scene.findings()).toEqual(['duplicated data/scan 1/b.tif']);
    });
  });

  describe('a phantom', () => {
    it('is a document without a row', async () => {
      scene.documents.push({ path: 'data/none.tif', version: 1, md5Sum: null, ledgerId: null });
      expect(await scene.findings()).toEqual(['phantom data/none.tif']);
    });

    it('is a done row without any copy on record', async () => {
      scene.replicas = scene.replicas.filter((replica) => replica.location !== 'data/scan 1/a.tif');
      expect(await scene.findings()).toEqual(['phantom data/scan 1/a.tif', 'phantom data/scan 1/a.tif']);
    });

    it('is a file in storage that nobody knows', async () => {
      scene.write('storage/data/scan 1/stray.tif', 'x');
      expect(await scene.findings()).toEqual(['phantom data/scan 1/stray.tif']);
    });

    it('is a temporary file that was left', async () => {
      renameSync(join(scene.folder, 'source/c.h5'), join(scene.folder, 'storage/data/.dm-4.part'));
      expect(await scene.findings()).toEqual(['phantom data/.dm-4.part']);
    });
  });

  it('lets pass what was kept, unrecorded, for a row that exists, and nothing of that kind otherwise', async () => {
    scene.write('storage/system/versions/unrecorded-1/data/a.tif', 'x');
    scene.write('storage/system/versions/unrecorded-99/data/a.tif', 'x');
    expect(await scene.findings()).toEqual(['phantom system/versions/unrecorded-99/data/a.tif']);
  });

  it('lets pass what a repair kept of the copy that a fault has damaged, and nothing else there', async () => {
    scene.write('storage/system/audit/damaged/1-2/data/c.h5', 'damaged');
    scene.write('storage/system/audit/damaged/3-4/data/c.h5', 'good content');
    scene.write('storage/data/stray.h5', 'damaged');
    scene.damaged.add(createHash('md5').update('damaged').digest('hex'));
    expect((await scene.findings()).toSorted()).toEqual([
      'phantom data/stray.h5',
      'phantom system/audit/damaged/3-4/data/c.h5',
    ]);
  });

  it('minds statistics that count something else', async () => {
    const evidence: Evidence = {
      sources: new Map(),
      stored: new Map(),
      ledger: [],
      replicas: [],
      documents: [],
      statistics: { countFiles: 1 },
      damaged: new Set(),
    };
    expect(judge(evidence)).toMatchObject([{ breach: 'other' }]);
  });
});
