import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { describeWith, tool, until } from '#libs/testing';
import { buildVmdk } from '#libs/testing/images';
import { type ResumableSession } from '../../index.js';
import { bytesOf, DOMAIN, inSession, MIB, qcow2, storeImage } from './bwlehrpool-bench.js';
import { invocation, notFound, rejected } from './satellite/exceptions.js';
import { ALL, BLOCK, NONE } from './satellite/store.js';
import { startSatellite, type TestSatellite } from './satellite/test-satellite.js';
import { COLLEAGUE } from './satellite/users.js';

await describeWith([tool('openssl')], 'importing from a satellite', () => {
  let satellite: TestSatellite;
  beforeAll(async () => void (satellite = await startSatellite()));
  beforeEach(() => {
    satellite.store.bases.clear();
    satellite.store.downloads.clear();
    satellite.store.asked.length = 0;
    satellite.users.expire();
    Object.assign(satellite.store, { countsVersions: true, saysNotFound: true, tellsSizes: true });
    satellite.faults.reset();
  });
  afterAll(async () => satellite?.[Symbol.asyncDispose]());

  const work = <T>(step: (session: ResumableSession) => Promise<T>, signal?: AbortSignal) =>
    inSession(satellite.access('tls'), step, signal && { signal });
  const describeImage = (reference: string) => work((session) => session.describe(reference));
  const imported = (reference: string, offset = 0) =>
    work(async (session) => bytesOf(await session.readFrom(await session.describe(reference), offset)));
  /** What was asked of the file beyond a look at its beginning. */
  const asked = () => satellite.store.asked.filter(({ end }) => end > 512);
  const askedBytes = () => asked().reduce((sum, { start, end }) => sum + end - start, 0);

  it('lists page by page what the user may download, and says what cannot be imported', async () => {
    storeImage(satellite, qcow2(1000), { name: 'mine' });
    storeImage(satellite, qcow2(1000), { name: 'locked', ownerId: COLLEAGUE.id });
    storeImage(satellite, qcow2(1000), {
      name: 'shared',
      ownerId: COLLEAGUE.id,
      defaultPermissions: { ...NONE, download: true },
    });
    storeImage(satellite, qcow2(1000), { name: 'given', ownerId: COLLEAGUE.id, users: new Map([['id-of-lecturer', ALL]]) });
    storeImage(satellite, qcow2(1000), { name: 'expired' }, { isValid: false });
    storeImage(satellite, qcow2(1000), { name: 'box', virtId: 'virtualbox' });
    storeImage(satellite, qcow2(1000), { name: 'ware', virtId: 'vmware' });
    await work(async (session) => {
      const first = await session.list();
      expect(first.images.map(({ name }) => name)).toEqual(['mine', 'shared']);
      const second = await session.list(first.next!);
      expect(second.images).toEqual([
        expect.objectContaining({ name: 'given', importable: true, contenttype: 'disk-qcow2' }),
        expect.objectContaining({ name: 'expired', importable: false, reason: expect.stringContaining('valid') }),
        expect.objectContaining({ name: 'box', importable: false, reason: expect.stringContaining('VirtualBox') }),
      ]);
      const third = await session.list(second.next!);
      expect(third.images).toEqual([expect.objectContaining({ name: 'ware', contenttype: 'disk-vmdk' })]);
      expect(third.next).toBeNull();
      await expect(session.list('-1')).rejects.toMatchObject({ code: 'INVALID_QUERY' });
    });
  });

  it('lists nothing more after a page that was just full', async () => {
    for (let i = 0; i < 3; i++) storeImage(satellite, qcow2(1000));
    await work(async (session) => {
      const { next } = await session.list();
      expect(await session.list(next!)).toEqual({ images: [], next: null });
    });
  });

  it('keeps what the satellite knows of an image', async () => {
    const { base, version } = storeImage(satellite, qcow2(1000), {
      description: 'For the course\n\n[ViCE 6f1ed002-ab59-4e53-9d4e-4f2a8e0c1b01]',
    });
    expect(await describeImage(base.id)).toEqual({
      reference: `${base.id}/${version.id}`,
      name: 'Algorithms',
      contentType: 'disk-qcow2',
      size: version.size,
      checksums: {},
      createdAt: expect.stringMatching(/^2023-/),
      metadata: {
        imageBaseId: base.id,
        versionId: version.id,
        name: 'Algorithms',
        description: 'For the course',
        osId: 7,
        osName: 'Ubuntu (64 Bit)',
        virtId: 'qemukvm',
        software: ['gcc', 'gdb'],
        machineDescription: DOMAIN,
      },
      notes: [],
    });
  });

  it.each([
    ['says that there is none', () => satellite.faults.raise('getImageVersionVirtConfig', notFound())],
    ['says nothing', () => satellite.faults.answerNothing('getImageVersionVirtConfig')],
  ])('takes an image without a machine description, where the satellite %s', async (_how, make) => {
    const { base } = storeImage(satellite, qcow2(1000));
    make();
    const { metadata } = await describeImage(base.id);
    expect(metadata).toMatchObject({ imageBaseId: base.id, osId: 7, virtId: 'qemukvm' });
    expect(metadata).not.toHaveProperty('machineDescription');
  });

  it('refuses a version that is named and not valid, however it is named', async () => {
    const { base } = storeImage(satellite, qcow2(1000));
    const { id } = satellite.store.addVersion(base, qcow2(2000), { isValid: false });
    for (const reference of [id, `${base.id}/${id}`])
      await expect(describeImage(reference)).rejects.toMatchObject({
        code: 'ENVIRONMENT_REFUSED',
        message: expect.stringMatching(/"Algorithms" cannot be imported: this version .* not valid .* name another version/),
      });
  });

  it('finds a version by its own id, and the latest valid one by the id of the image', async () => {
    const { base, version: first } = storeImage(satellite, qcow2(1000));
    const second = satellite.store.addVersion(base, qcow2(2000));
    satellite.store.addVersion(base, qcow2(3000), { isValid: false });
    for (let i = 0; i < 4; i++) storeImage(satellite, qcow2(1000));
    expect((await describeImage(base.id)).reference).toBe(`${base.id}/${second.id}`);
    for (const { id } of [first, second]) {
      expect((await describeImage(id)).reference).toBe(`${base.id}/${id}`);
      expect((await describeImage(`${base.id}/${id}`)).reference).toBe(`${base.id}/${id}`);
    }
  });

  it.each([
    ['does not count versions', { countsVersions: false }],
    ['refuses what it does not know without a word', { saysNotFound: false }],
  ])('finds a version by its own id where the satellite %s', async (_what, habit) => {
    Object.assign(satellite.store, habit);
    const { base, version } = storeImage(satellite, qcow2(1000));
    satellite.store.addVersion(base, qcow2(2000));
    expect((await describeImage(version.id)).reference).toBe(`${base.id}/${version.id}`);
  });

  it('is not found where the satellite refuses it without a word, and does not list it', async () => {
    satellite.store.saysNotFound = false;
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const reference of [unknown, `${unknown}/${unknown}`])
      await expect(describeImage(reference)).rejects.toMatchObject({ code: 'REMOTE_IMAGE_NOT_FOUND' });
  });

  it('says why an image is none to be imported', async () => {
    const { reference: invalid } = storeImage(satellite, qcow2(1000), {}, { isValid: false });
    const { reference: locked } = storeImage(satellite, qcow2(1000), { ownerId: COLLEAGUE.id });
    const { reference: box } = storeImage(satellite, qcow2(1000), { virtId: 'virtualbox' });
    await expect(describeImage(invalid)).rejects.toMatchObject({
      code: 'REMOTE_IMAGE_NOT_FOUND',
      message: expect.stringMatching(/valid/),
    });
    await expect(describeImage(locked)).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringMatching(/no right to download/),
    });
    await expect(describeImage(box)).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringMatching(/VirtualBox/),
    });
    for (const nonsense of ['', '../..', `${box}/${box}`, '00000000-0000-4000-8000-000000000000'])
      await expect(describeImage(nonsense)).rejects.toMatchObject({ code: 'REMOTE_IMAGE_NOT_FOUND' });
  });

  it('takes no version for empty of which the satellite does not say how large it is', async () => {
    satellite.store.tellsSizes = false;
    const { reference } = storeImage(satellite, qcow2(1000));
    await expect(describeImage(reference)).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringContaining('does not say how large'),
    });
  });

  it('brings the bytes over TLS where nothing else is offered, though the calls are plain', async () => {
    const content = qcow2(1000);
    const { reference } = storeImage(satellite, content);
    const { plain } = satellite.transfer;
    satellite.transfer.plain = 0;
    try {
      const got = inSession(satellite.access('plain'), async (session) =>
        bytesOf(await session.read(await session.describe(reference))),
      );
      expect((await got).equals(content)).toBe(true);
    } finally {
      satellite.transfer.plain = plain;
    }
  });

  it('tells the kinds of disks that QEMU takes apart by how they begin', async () => {
    const vmdk = storeImage(satellite, buildVmdk());
    const other = storeImage(satellite, Buffer.alloc(4096, 'x'));
    expect((await describeImage(vmdk.reference)).contentType).toBe('disk-vmdk');
    expect((await describeImage(other.reference)).contentType).toBeNull();
  });

  describe('the look at how a disk begins', () => {
    it('is taken again over another line when one breaks, by the same permit', async () => {
      const { reference } = storeImage(satellite, qcow2(1000));
      satellite.faults.cutTransfers(0);
      satellite.faults.sayError('timeout');
      expect((await describeImage(reference)).contentType).toBe('disk-qcow2');
      expect(satellite.faults.calls.get('requestDownload')).toBe(1);
    });

    it('is taken by a new permit where the satellite does not know the one it gave', async () => {
      const { reference } = storeImage(satellite, qcow2(1000));
      satellite.faults.closeSilently(1);
      expect((await describeImage(reference)).contentType).toBe('disk-qcow2');
      expect(satellite.faults.calls.get('requestDownload')).toBe(2);
      expect(satellite.store.downloads.size).toBe(0);
    });

    it.each([
      ['other bytes', ['RANGE=1:513']],
      ['no range', []],
      ['compressed bytes', ['RANGE=0:512', 'COMPRESS=true']],
    ])('takes nothing for the beginning that the satellite says is %s', async (_what, answer) => {
      const { reference } = storeImage(satellite, qcow2(1000));
      satellite.faults.answerWrongly(answer);
      expect((await describeImage(reference)).contentType).toBe('disk-qcow2');
      expect(satellite.faults.lines).toBe(2);
    });

    it.each([
      ['File corrupted on server', 'ENVIRONMENT_REFUSED', false],
      ['Server busy, try again later', 'ENVIRONMENT_BUSY', true],
      ['payload read error', 'ENVIRONMENT_UNREACHABLE', true],
    ])('is given up in words where the satellite says "%s" every time', async (said, code, transient) => {
      const { reference } = storeImage(satellite, qcow2(1000));
      satellite.faults.sayError(said, said, said, said, said);
      await expect(describeImage(reference)).rejects.toMatchObject({
        code,
        transient,
        message: expect.stringContaining(said),
      });
    });
  });

  describe('the bytes', () => {
    const SIZE = 5 * BLOCK + 1234;
    const content = qcow2(SIZE);

    it('come over two lines in order, each block once, by one permit', async () => {
      const { reference } = storeImage(satellite, content);
      expect((await imported(reference)).equals(content)).toBe(true);
      expect(askedBytes()).toBe(SIZE);
      expect(satellite.faults.calls.get('requestDownload')).toBe(1);
      expect(satellite.store.downloads.size).toBe(0);
    });

    it.each([0, 1, BLOCK, 2 * BLOCK + 77, SIZE - 1])('can be read from byte %d on', async (offset) => {
      const { reference } = storeImage(satellite, content);
      expect((await imported(reference, offset)).equals(content.subarray(offset))).toBe(true);
      expect(Math.min(...asked().map(({ start }) => start))).toBe(Math.floor(offset / BLOCK) * BLOCK);
    });

    it('of a block without a hash are not even asked for again before the offset', async () => {
      const { reference } = storeImage(satellite, content, {}, { hashes: [] });
      expect((await imported(reference, 77)).equals(content.subarray(77))).toBe(true);
      expect(askedBytes()).toBe(SIZE - 77);
    });

    it('are not fetched again when lines break', async () => {
      const { reference } = storeImage(satellite, content);
      // The first line is that which looks at the beginning.
      satellite.faults.cutTransfers(Infinity, BLOCK + 5 * MIB, 3 * MIB, 7 * MIB);
      expect((await imported(reference)).equals(content)).toBe(true);
      const starts = asked().map(({ start }) => start);
      expect(new Set(starts).size).toBe(starts.length);
      expect(starts.filter((start) => start % BLOCK !== 0)).toHaveLength(3);
      expect(satellite.faults.calls.get('requestDownload')).toBe(1);
    });

    it('come over one line where the satellite takes no second one', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.faults.closeSilently(1);
        expect((await bytesOf(await session.read(image))).equals(content)).toBe(true);
      });
      expect(askedBytes()).toBe(SIZE);
    });

    it('come over one line where the satellite takes no second one, not even to speak TLS', async () => {
      const { reference } = storeImage(satellite, content);
      satellite.faults.linesAtOnce = 1;
      expect((await imported(reference)).equals(content)).toBe(true);
      expect(askedBytes()).toBe(SIZE);
    });

    it('come over no more lines than there are blocks to ask for', async () => {
      const { reference } = storeImage(satellite, content.subarray(0, BLOCK), { virtId: 'vmware' });
      await imported(reference);
      expect(satellite.faults.lines).toBe(1);
    });

    it('come to a slow reader too, though the satellite ends lines on which nothing is asked', async () => {
      const long = qcow2(9 * BLOCK);
      const { reference } = storeImage(satellite, long);
      await work(async (session) => {
        const got: Buffer[] = [];
        for await (const piece of (await session.read(await session.describe(reference))) as AsyncIterable<Buffer>) {
          got.push(piece);
          const blocks = (got.length * MIB) / BLOCK;
          if (![1, 2, 3, 4, 5].includes(blocks)) continue;
          await until(() => asked().length === blocks + 3 && satellite.faults.idleLines > 0, {
            what: 'the satellite waits for the next block to be asked for',
          });
          satellite.faults.timeOutIdle();
        }
        expect(Buffer.concat(got).equals(long)).toBe(true);
      });
    });

    it('come by a new permit where the satellite has restarted', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.restart();
        expect((await bytesOf(await session.read(image))).equals(content)).toBe(true);
      });
    });

    it('are asked for again where a block arrives damaged', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.faults.damageBlocks(2);
        expect((await bytesOf(await session.read(image))).equals(content)).toBe(true);
      });
      expect(askedBytes()).toBe(SIZE + 2 * BLOCK);
    });

    it('are given up where they are damaged every time, and nothing damaged is passed on', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.faults.damageBlocks(100);
        const got: Buffer[] = [];
        const reading = (async () => {
          for await (const chunk of (await session.read(image)) as AsyncIterable<Buffer>) got.push(chunk);
        })();
        await expect(reading).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
        satellite.faults.damageBlocks(0);
        expect(got).toEqual([]);
      });
    });

    it.each([
      ['Server busy, try again later', 'ENVIRONMENT_BUSY', true],
      ['File corrupted on server', 'ENVIRONMENT_REFUSED', false],
      ['No free disk', 'ENVIRONMENT_FAILED', true],
      [undefined, 'ENVIRONMENT_FAILED', true],
    ])('do not come where the satellite says "%s"', async (said, code, transient) => {
      const { reference } = storeImage(satellite, content);
      satellite.faults.raise('requestDownload', rejected(said));
      await expect(imported(reference)).rejects.toMatchObject({ code, transient });
    });

    it('do not come where the satellite says within the transfer that the file is damaged there', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.faults.sayError('File corrupted on server', 'File corrupted on server');
        await expect(session.read(image).then(bytesOf)).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED', transient: false });
      });
    });

    it('are given up where line after line breaks without bringing anything', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const image = await session.describe(reference);
        satellite.faults.sayError(...Array.from({ length: 20 }, () => 'timeout'));
        await expect(session.read(image).then(bytesOf)).rejects.toMatchObject({
          code: 'ENVIRONMENT_UNREACHABLE',
          message: expect.stringContaining('timeout'),
        });
      });
    });

    it('wait for whoever reads them: three blocks are in hand at most', async () => {
      const { reference } = storeImage(satellite, content);
      await work(async (session) => {
        const stream = await session.read(await session.describe(reference));
        const reader = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        await reader.next();
        await until(() => asked().length === 3, { what: 'three blocks were asked for' });
        await new Promise((later) => setImmediate(later));
        expect(asked()).toHaveLength(3);
        stream.destroy();
      });
    });

    it('stop when nobody wants them any more, and the permit goes back with the login', async () => {
      const { reference } = storeImage(satellite, content);
      satellite.faults.holdAfter(2 * BLOCK);
      const control = new AbortController();
      const reading = work(async (session) => {
        const stream = await session.read(await session.describe(reference));
        for await (const chunk of stream) if (chunk) control.abort(new ViceError('JOB_CANCELLED', 'the job was cancelled'));
      }, control.signal);
      await expect(reading).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
      satellite.faults.letGo();
      expect(satellite.store.downloads.size).toBe(0);
      expect(satellite.users.open).toBe(0);
      await work(async (session) => {
        (await session.read(await session.describe(reference))).destroy();
      });
      expect(satellite.store.downloads.size).toBe(0);
    });
  });

  it('passes on what the satellite says of itself', async () => {
    const { reference } = storeImage(satellite, qcow2(1000));
    satellite.faults.raise('getImageDetails', invocation(6, 'database is down'));
    await expect(describeImage(reference)).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringContaining('database is down'),
    });
    satellite.faults.raise('getImageDetails', invocation());
    await expect(describeImage(reference)).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringMatching(/without saying why/),
    });
  });
});
