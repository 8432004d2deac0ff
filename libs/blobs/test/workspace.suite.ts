import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BlobLedger, type BlobStore } from '../index.js';
import { digestOf, uploadWriter, type StorePlace } from './blob-store.suite.js';
import { MemoryLedger } from './memory-ledger.js';

const MiB = 1 << 20;
const jobWriter = (): string => `${randomUUID()}.1`;

/** What a workspace does in every blob store. */
export function workspaceSuite(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let ledger: MemoryLedger;
    let store: BlobStore;

    beforeEach(async () => {
      place = await makePlace();
      ledger = new MemoryLedger();
      store = place.open(new BlobLedger(ledger.ask));
    });
    afterEach(() => place.remove());

    async function expectNothingLeft() {
      expect(await store.stagedWriters()).toEqual([]);
      expect([...ledger.reserved]).toEqual([]);
      expect([...ledger.pins]).toEqual([]);
    }

    test('is an empty folder of its own, and gone afterwards with all that is in it', async () => {
      const writer = jobWriter();
      const workspace = await store.workspace({ writer, bytes: MiB });
      expect(await readdir(workspace.folder)).toEqual([]);
      expect((await stat(workspace.folder)).mode & 0o777).toBe(0o700);
      expect(await store.stagedWriters()).toEqual([writer]);
      await mkdir(join(workspace.folder, 'deep/er'), { recursive: true });
      await writeFile(join(workspace.folder, 'deep/er/file'), 'bytes');
      await mkdir(join(workspace.folder, 'closed'), { mode: 0 });
      await workspace[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
      expect(existsSync(workspace.folder)).toBe(false);
      await expectNothingLeft();
    });

    test.each([0, 1, MiB, 5 * MiB + 12_345])('publishes a file of %i bytes under its digest, and holds it', async (size) => {
      const writer = jobWriter();
      const bytes = randomBytes(size);
      {
        await using workspace = await store.workspace({ writer, bytes: size });
        const file = join(workspace.folder, 'result');
        await writeFile(file, bytes);
        await writeFile(join(workspace.folder, 'scratch'), bytes);
        expect(await workspace.commit(file)).toEqual({ digest: digestOf(bytes), size });
      }
      expect(ledger.pins.get(writer)).toEqual(new Set([digestOf(bytes)]));
      expect(await store.stagedWriters()).toEqual([]);
      await using blob = await store.open(digestOf(bytes), { holder: writer });
      expect((await buffer(blob.stream())).equals(bytes)).toBe(true);
    });

    test('keeps the bytes that are there already', async () => {
      const bytes = randomBytes(1000);
      for (let times = 0; times < 2; times++) {
        await using workspace = await store.workspace({ writer: jobWriter(), bytes: MiB });
        await writeFile(join(workspace.folder, 'result'), bytes);
        expect((await workspace.commit(join(workspace.folder, 'result'))).digest).toBe(digestOf(bytes));
      }
    });

    test('hashes a finished file while others read it, and publishes nothing that was changed after that', async () => {
      await using workspace = await store.workspace({ writer: jobWriter(), bytes: MiB });
      const file = join(workspace.folder, 'result');
      const bytes = randomBytes(3 * MiB);
      await writeFile(file, bytes);
      const sealing = workspace.seal(file);
      expect((await readFile(file)).equals(bytes)).toBe(true);
      expect(await sealing).toEqual({ digest: digestOf(bytes), size: bytes.length });
      await appendFile(file, 'more');
      await expect(workspace.commit(file)).rejects.toThrow('changed');
    });

    test('may be left while a file is being hashed', async () => {
      const workspace = await store.workspace({ writer: jobWriter(), bytes: MiB });
      const file = join(workspace.folder, 'result');
      await writeFile(file, randomBytes(20 * MiB));
      const sealing = expect(workspace.seal(file)).rejects.toThrow('gone');
      await workspace[Symbol.asyncDispose]();
      await sealing;
      await expectNothingLeft();
    });

    test('publishes no link, and nothing that lies elsewhere or has another name', async () => {
      await using workspace = await store.workspace({ writer: jobWriter(), bytes: MiB });
      const inside = (file: string) => join(workspace.folder, file);
      await symlink('/etc/passwd', inside('symbolic'));
      await writeFile(inside('file'), 'bytes');
      await link(inside('file'), inside('other name'));
      await mkdir(inside('folder'));
      for (const file of ['symbolic', 'file', 'folder'])
        await expect(workspace.commit(inside(file))).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
      await expect(workspace.commit('/etc/passwd')).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(workspace.commit(inside('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('has its space reserved, beside all that others write', async () => {
      ledger.capacity = 100 * MiB;
      await using first = await store.workspace({ writer: jobWriter(), bytes: 60 * MiB });
      await expect(store.workspace({ writer: jobWriter(), bytes: 60 * MiB })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      await expect(store.stage({ writer: uploadWriter(), size: 60 * MiB })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(await store.stagedWriters()).toHaveLength(1);
      // What lies in it is not counted again as still to come: of 100 MiB free, 40 are promised now.
      await writeFile(join(first.folder, 'file'), randomBytes(20 * MiB));
      await using second = await store.workspace({ writer: jobWriter(), bytes: 60 * MiB });
      expect(await readdir(second.folder)).toEqual([]);
    });

    test('begins clean where a former attempt of its job was killed, and leaves every other job alone', async () => {
      const job = randomUUID();
      const [former, later, other] = await Promise.all(
        [`${job}.2`, `${job}.10`, jobWriter()].map((writer) => store.workspace({ writer, bytes: MiB })),
      );
      await writeFile(join(former!.folder, 'file'), 'bytes');
      await using workspace = await store.workspace({ writer: `${job}.3`, bytes: MiB });
      expect(await readdir(workspace.folder)).toEqual([]);
      expect([former, later, other].map((each) => existsSync(each!.folder))).toEqual([false, true, true]);
      // The former attempt, should it still run, publishes nothing.
      await expect(former!.commit(join(former!.folder, 'file'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('is swept with the writers that have ended', async () => {
      const writer = jobWriter();
      const { folder } = await store.workspace({ writer, bytes: MiB });
      await mkdir(join(folder, 'deep'));
      for (let times = 0; times < 2; times++) await store.removeStaged(writer);
      expect(existsSync(folder)).toBe(false);
    });
  });
}
