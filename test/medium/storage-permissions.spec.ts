import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnswer, FileTaskAnswer, FileTaskItemAnswer, FindingAnswer } from '../../src/cli/api-types.js';
import { describeWithPrograms } from '../support/needs-program.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) {
  console.warn('\n!!! SKIPPED: configured owner, group and ACL in storage, since only root may give files away. !!!\n');
}

/** Accounts that every Debian has. */
const SETTINGS = {
  DM_STORAGE_OWNER: 'nobody',
  DM_STORAGE_GROUP: 'daemon',
  DM_STORAGE_FILE_MODE: '0640',
  DM_STORAGE_DIRECTORY_MODE: '2770',
  DM_STORAGE_ACL: 'group:mail:rX,user:games:rwX',
};

describeWithPrograms('what the configuration says of permissions', ['setfacl', 'getfacl'], () => {
  describe.runIf(isRoot)('holds for', () => {
    let app: DaqApp;
    let config: string;

    beforeAll(async () => {
      config = mkdtempSync(join(tmpdir(), 'dm-permissions-config-'));
      const overlay = join(config, 'station.yaml');
      writeFileSync(overlay, 'daq:\n  plugins:\n    checksum-manifest: {}\n');
      app = await DaqApp.start({ ...SETTINGS, DM_CONFIG: overlay });
    });
    afterAll(async () => {
      await app.close();
      rmSync(config, { recursive: true });
    });

    const idOf = (database: string, name: string) =>
      Number(execFileSync('getent', [database, name], { encoding: 'utf8' }).split(':')[2]);
    const rightsOf = (path: string) => {
      const { uid, gid, mode } = lstatSync(path);
      const acl = execFileSync('getfacl', ['-cpE', path], { encoding: 'utf8' }).split('\n');
      return { uid, gid, mode: (mode & 0o7777).toString(8), acl: acl.filter((line) => /games|mail|mask/.test(line)) };
    };
    const owned = { uid: idOf('passwd', 'nobody'), gid: idOf('group', 'daemon') };
    const ofDirectories = {
      ...owned,
      mode: '2770',
      acl: [
        'user:games:rwx',
        'group:mail:r-x',
        'mask::rwx',
        'default:user:games:rwx',
        'default:group:mail:r-x',
        'default:mask::rwx',
      ],
    };
    /** The group bits of the file's mode bound what the entries give. */
    const ofFiles = { ...owned, mode: '640', acl: [/^user:games:rw/, /^group:mail:r/, /^mask::r--$/] };

    function expectRights(root: string, paths: { directories: readonly string[]; files: readonly string[] }) {
      for (const path of paths.directories) {
        expect(rightsOf(join(root, path)), path).toEqual(ofDirectories);
      }
      for (const path of paths.files) {
        const acl: unknown[] = ofFiles.acl.map((line) => expect.stringMatching(line));
        expect(rightsOf(join(root, path)), path).toEqual({ ...ofFiles, acl });
      }
    }

    async function stored(experiment: string, ...names: string[]) {
      const places = await app.experiment(experiment);
      for (const name of names) {
        mkdirSync(dirname(join(places.source, name)), { recursive: true });
        writeFileSync(join(places.source, name), name.repeat(100));
      }
      expect(await app.ended((await app.start(experiment)).id)).toMatchObject({ status: 'done' });
      return { experiment, ...places };
    }

    async function task(experiment: string, kind: string, options: Record<string, unknown>) {
      const api = await app.as('admin');
      const { id, token } = await api.post<FileTaskAnswer>('/file-tasks', { kind, experiment, ...options });
      await api.post(`/file-tasks/${id}/start`, { token });
      return waitFor(
        async () => {
          const found = await api.get<FileTaskAnswer>(`/file-tasks/${id}`);
          return found.status === 'done' ? found : undefined;
        },
        { what: 'the file task to end', timeoutMs: 20_000 },
      );
    }

    /** Runs an audit that repairs what can be repaired; the findings as they are then. */
    async function audited(experiment: string, options: Record<string, unknown> = {}): Promise<FindingAnswer[]> {
      const api = await app.as('admin');
      const { id } = await api.post<AuditAnswer>('/audits', { experiment, ...options });
      await waitFor(async () => (await api.get<AuditAnswer>(`/audits/${id}`)).status === 'done', {
        what: 'the audit to end',
        timeoutMs: 20_000,
      });
      return waitFor(
        async () => {
          const findings = await api.allItems<FindingAnswer>(`/audits/${id}/findings`);
          return findings.some(({ repair }) => repair?.state === 'requested') ? undefined : findings;
        },
        { what: 'the repairs to end', timeoutMs: 20_000 },
      );
    }

    it('an experiment, and what arrives in it', async () => {
      const { storage } = await stored('arrivals', 'a.h5', 'deep/er/b.h5');
      expectRights(storage, {
        directories: ['.', 'data', 'analysis', 'system', 'data/deep', 'data/deep/er'],
        files: ['data/a.h5', 'data/deep/er/b.h5'],
      });
    });

    it('lists of digests, and the versions that are kept', async () => {
      const { storage, source, experiment } = await stored('lists', 'd/a.h5');
      writeFileSync(join(source, 'd/a.h5'), 'newer');
      expect(await app.ended((await app.start(experiment)).id)).toMatchObject({ status: 'done' });
      expectRights(storage, {
        directories: ['system/manifests', 'system/manifests/data/d', 'system/versions/v1/data/d'],
        files: ['system/manifests/data/d/manifest.md5', 'system/versions/v1/data/d/a.h5'],
      });
      expect(await audited(experiment)).toEqual([]);
    });

    it('compressed twins, and the trash that their originals go to', async () => {
      const { storage, experiment } = await stored('twins', 'd/a.h5');
      const { id } = await task(experiment, 'compress', { pattern: '*', removeOriginals: true });
      const trash = `system/trash/${id}/v1/data/d`;
      expectRights(storage, {
        directories: ['system/trash', `system/trash/${id}`, trash],
        files: ['data/d/a.h5.gz', `${trash}/a.h5`],
      });
      expect((await audited(experiment)).map(({ kind }) => kind)).toEqual(['source-gone']);
    });

    it('what an audit sets aside, and what it adopts with the directories on its way', async () => {
      const { storage, experiment } = await stored('repaired', 'd/a.h5');
      truncateSync(join(storage, 'data/d/a.h5'), 3);
      mkdirSync(join(storage, 'data/by hand/run'), { recursive: true });
      writeFileSync(join(storage, 'data/by hand/run/b.h5'), 'copied by hand', { mode: 0o600 });
      execFileSync('setfacl', ['-Rbk', join(storage, 'data/by hand')]);
      chmodSync(join(storage, 'data/by hand'), 0o700);
      await audited(experiment, { repair: ['changed'], dark: 'adopt' });
      const [aside = ''] = readdirSync(join(storage, 'system/audit/damaged'));
      expectRights(storage, {
        directories: [
          'system/audit/damaged',
          `system/audit/damaged/${aside}/data/d`,
          'data/by hand',
          'data/by hand/run',
        ],
        files: ['data/d/a.h5', 'data/by hand/run/b.h5'],
      });
      expect(await audited(experiment)).toEqual([]);
    });

    it('no file that has another name elsewhere, though it is adopted', async () => {
      const { storage, experiment } = await stored('linked', 'a.h5');
      writeFileSync(join(storage, 'data/b.h5'), 'dark', { mode: 0o600 });
      const before = rightsOf(join(storage, 'data/b.h5'));
      execFileSync('ln', [join(storage, 'data/b.h5'), join(config, 'elsewhere')]);
      const [finding] = await audited(experiment, { dark: 'adopt' });
      expect(finding?.repair).toMatchObject({ state: 'repaired', note: expect.stringContaining('one name') as string });
      expect(rightsOf(join(config, 'elsewhere'))).toEqual(before);
    });
  });
});

describe('a link that leads out of an experiment', () => {
  let app: DaqApp;
  let outside: string;

  beforeAll(async () => {
    app = await DaqApp.start();
    outside = mkdtempSync(join(tmpdir(), 'dm-outside-'));
  });
  afterAll(async () => {
    await app.close();
    rmSync(outside, { recursive: true });
  });

  it('brings no file of others into the reach of a repair', async () => {
    const { source, storage } = await app.experiment('lured');
    mkdirSync(join(source, 'd'));
    writeFileSync(join(source, 'd/a.h5'), 'content');
    await app.ended((await app.start('lured')).id);
    renameSync(join(storage, 'data/d'), join(storage, 'data/d.away'));
    symlinkSync(outside, join(storage, 'data/d'));
    writeFileSync(join(outside, 'a.h5'), 'of another experiment');
    const api = await app.as('admin');
    const { id } = await api.post<AuditAnswer>('/audits', { experiment: 'lured', repair: ['changed'] });
    const findings = await waitFor(
      async () => {
        const found = await api.allItems<FindingAnswer>(`/audits/${id}/findings`, { kind: 'changed' });
        return found[0]?.repair?.state === 'failed' ? found : undefined;
      },
      { what: 'the repair to fail', timeoutMs: 20_000 },
    );
    expect(findings[0]?.repair?.note).toContain('symbolic link');
    expect(readFileSync(join(outside, 'a.h5'), 'utf8')).toBe('of another experiment');
  });

  it('gets no directory made behind it by a deletion', async () => {
    const { source, storage } = await app.experiment('led-away');
    writeFileSync(join(source, 'a.h5'), 'content');
    await app.ended((await app.start('led-away')).id);
    symlinkSync(outside, join(storage, 'system/trash'));
    const before = readdirSync(outside);
    const api = await app.as('admin');
    const body = { kind: 'delete', experiment: 'led-away', pattern: '*' };
    const { id, token } = await api.post<FileTaskAnswer>('/file-tasks', body);
    await api.post(`/file-tasks/${id}/start`, { token });
    await waitFor(async () => (await api.get<FileTaskAnswer>(`/file-tasks/${id}`)).status === 'done', {
      what: 'the file task to end',
    });
    const [item] = await api.allItems<FileTaskItemAnswer>(`/file-tasks/${id}/items`);
    expect(item).toMatchObject({ state: 'left-out', reasonCode: 'leads-outside' });
    expect(readdirSync(outside)).toEqual(before);
  });
});
