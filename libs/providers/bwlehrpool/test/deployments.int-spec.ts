import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { describeWith, tool, until } from '#libs/testing';
import { type DeployableImage, type DeploymentReceipt } from '../../index.js';
import { bytesOf, deployable, DOMAIN, holdingsOf, inSession, MIB, qcow2, storeImage } from './bwlehrpool-bench.js';
import { authorization, invocation, rejected } from './satellite/exceptions.js';
import { BLOCK, NONE, sha1, type StoredBase, type StoredVersion } from './satellite/store.js';
import { startSatellite, type TestSatellite } from './satellite/test-satellite.js';
import { COLLEAGUE, LECTURER, STUDENT } from './satellite/users.js';

const SIZE = 3 * BLOCK + 4567;

await describeWith([tool('openssl')], 'deploying to a satellite', () => {
  let satellite: TestSatellite;
  let marker: string;
  let noted: string[];
  const content = qcow2(SIZE);
  beforeAll(async () => void (satellite = await startSatellite()));
  beforeEach(() => {
    satellite.store.bases.clear();
    satellite.store.uploads.clear();
    satellite.store.asked.length = 0;
    satellite.store.serverSideCopy = false;
    satellite.store.listsDeleted = false;
    satellite.store.finishesInvalid = false;
    satellite.store.saysNotFound = true;
    Object.assign(satellite.users.untold, { satellite: false, master: false });
    satellite.store.listsUploads = false;
    satellite.store.forgetsFinished = false;
    satellite.faults.reset();
    marker = randomUUID();
    noted = [];
  });
  afterAll(async () => satellite?.[Symbol.asyncDispose]());

  const note = async (reference: string) => void noted.push(reference);
  const deploy = (
    image: Partial<DeployableImage> = {},
    { specifics = {}, login = {}, signal }: { specifics?: JsonObject; login?: object; signal?: AbortSignal } = {},
  ): Promise<DeploymentReceipt> =>
    inSession(
      { ...satellite.access('tls', specifics), ...login },
      (session) => session.write(deployable(content, { former: noted.at(-1), ...image }), marker, note),
      signal && { signal },
    );
  const remove = (reference?: string) =>
    inSession(satellite.access('tls'), (session) =>
      session.remove({ marker, title: null, specifics: {}, ...(reference && { reference }) }),
    );
  const bases = (): StoredBase[] => [...satellite.store.bases.values()];
  /** To compare by: bytes of disks make differences that nobody can read. */
  const idsOf = (things: readonly { id: string }[]) => things.map(({ id }) => id);
  const askedBytes = () => satellite.store.asked.reduce((sum, { start, end }) => sum + end - start, 0);

  /** Ends the attempt in its middle, as a worker's death does: of two lines at least one has sent a whole block by then. */
  const crash = async () => {
    const control = new AbortController();
    satellite.faults.holdAfter(2 * BLOCK + MIB);
    const attempt = deploy({}, { signal: control.signal });
    attempt.catch(() => undefined);
    await until(() => [...satellite.store.uploads.values()].some(({ status }) => status.includes(0)), {
      what: 'a block is there',
    });
    control.abort(new ViceError('UNAVAILABLE', 'the worker shuts down'));
    await expect(attempt).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    satellite.faults.letGo();
  };

  it('makes one image with one version, described and its owner’s alone, and tells the hashes of its blocks', async () => {
    const receipt = await deploy({ title: 'My tools' });
    const [base, ...others] = bases();
    expect(others).toEqual([]);
    expect(base).toMatchObject({ name: 'My tools', osId: 42, virtId: 'qemukvm', defaultPermissions: NONE });
    expect(base!.versions).toHaveLength(1);
    const [version] = base!.versions;
    expect(satellite.store.contentOf(version!).equals(content)).toBe(true);
    expect(version!.machineDescription.toString()).toMatch(/^<domain type="kvm">/);
    expect(askedBytes()).toBe(SIZE);
    expect(receipt.reference).toBe(`${base!.id}/${version!.id}`);
    const blocks = [0, 1, 2, 3].map((i) => sha1(content.subarray(i * BLOCK, (i + 1) * BLOCK)).toString('hex'));
    expect(receipt.facts).toMatchObject({ size: SIZE, valid: true, blockSha1: blocks, blocks: 4, virtId: 'qemukvm' });
  });

  it('gives everybody, and single users, the rights that the environment says', async () => {
    const permissions = { link: true, users: { [COLLEAGUE.id]: { edit: true } } };
    await deploy({}, { specifics: { Permissions: permissions } });
    expect(bases()[0]).toMatchObject({ defaultPermissions: { ...NONE, link: true } });
    expect(bases()[0]!.users.get(COLLEAGUE.id)).toEqual({ ...NONE, edit: true });
  });

  it('sends no blocks of zeros, and counts each byte as moved once', async () => {
    const sparse = Buffer.concat([content.subarray(0, BLOCK), Buffer.alloc(2 * BLOCK), randomBytes(99)]);
    let moved = 0;
    const receipt = await deploy({ ...deployable(sparse), moved: (bytes) => void (moved += bytes) });
    expect(askedBytes()).toBe(BLOCK + 99);
    expect(moved).toBe(sparse.length);
    const { version } = satellite.store.findVersion(receipt.reference.split('/')[1]!)!;
    expect(satellite.store.contentOf(version).equals(sparse)).toBe(true);
  });

  it('opens a line also where nothing is missing', async () => {
    const zeros = Buffer.alloc(2 * BLOCK);
    await deploy(deployable(zeros));
    expect(askedBytes()).toBe(0);
    satellite.store.serverSideCopy = true;
    storeImage(satellite, content);
    marker = randomUUID();
    noted = [];
    await deploy();
    expect(askedBytes()).toBe(0);
  });

  it.each([
    ['for VMware', 'disk-vmdk', { adapterType: 'ide' }, {}, 'vmware', 42, /#SLX_HDD_BUS = "IDE"/],
    [
      'for Ubuntu from a cloud',
      'disk-qcow2',
      {},
      { openstack: { os_distro: 'ubuntu', hw_disk_bus: 'scsi' } },
      'qemukvm',
      7,
      /bus="scsi"/,
    ],
    [
      'as it came',
      'disk-qcow2',
      {},
      { bwlehrpool: { osId: 19, virtId: 'qemukvm', machineDescription: DOMAIN } },
      'qemukvm',
      19,
      /kept/,
    ],
  ] as const)('describes the machine %s', async (_what, contentType, facts, imageSpecifics, virtId, osId, description) => {
    await deploy({ contentType, imageSpecifics: imageSpecifics as unknown as JsonObject, facts: async () => facts });
    expect(bases()[0]).toMatchObject({ virtId, osId });
    expect(bases()[0]!.versions[0]!.machineDescription.toString()).toMatch(description);
  });

  it('brings an image that came from a satellite back as it was', async () => {
    const { base, version } = storeImage(satellite, content, { osId: 19, description: 'For the course' });
    const remote = await inSession(satellite.access('tls'), (session) => session.describe(base.id));
    await deploy({ title: remote.name, imageSpecifics: { bwlehrpool: remote.metadata } });
    const copy = bases().find(({ id }) => id !== base.id)!;
    expect(copy).toMatchObject({ name: base.name, osId: base.osId, virtId: base.virtId });
    expect(copy.description).toBe(`For the course\n\n[ViCE ${marker}]`);
    expect(copy.versions[0]!.machineDescription).toEqual(version.machineDescription);
  });

  describe('over a bad line', () => {
    it('goes on with the same upload when lines break, and sends only what is missing', async () => {
      satellite.faults.cutTransfers(BLOCK + MIB, 5 * MIB);
      await deploy();
      expect(satellite.store.uploads.size).toBe(1);
      expect(askedBytes()).toBe(SIZE + 2 * BLOCK);
    });

    it('sends a block again that arrived damaged', async () => {
      satellite.faults.damageBlocks(3);
      const receipt = await deploy();
      const { version } = satellite.store.findVersion(receipt.reference.split('/')[1]!)!;
      expect(satellite.store.contentOf(version).equals(content)).toBe(true);
    });

    it('takes back what the satellite has finished, but does not call valid', async () => {
      satellite.store.finishesInvalid = true;
      await expect(deploy()).rejects.toMatchObject({ code: 'RECEIPT_MISMATCH', message: expect.stringContaining('not valid') });
      expect(idsOf(bases())).toEqual([]);
    });

    it('takes back what the satellite has given up, and the next attempt begins anew', async () => {
      satellite.faults.damageBlocks(100);
      await expect(deploy()).rejects.toMatchObject({ code: 'ENVIRONMENT_FAILED', message: expect.stringContaining('damaged') });
      satellite.faults.damageBlocks(0);
      expect(bases()).toEqual([]);
      await deploy();
      expect(bases()).toHaveLength(1);
    });

    it('comes to its end by one line where the satellite takes no second one', async () => {
      satellite.faults.closeSilently(1);
      await deploy();
      expect(askedBytes()).toBe(SIZE);
    });

    it('goes on with the same upload when line after line breaks', async () => {
      satellite.faults.sayError(...Array.from({ length: 8 }, () => 'timeout'));
      await deploy();
      expect(satellite.store.uploads.size).toBe(1);
      expect(bases()).toHaveLength(1);
    });

    it('survives calls that get lost, and a login that expires in the middle', async () => {
      for (const name of ['updateBlockHashes', 'queryUploadStatus', 'updateImageBase', 'getImageList'])
        satellite.faults.dropCall(name, 'after');
      satellite.faults.holdAfter(BLOCK);
      const deploying = deploy();
      await until(() => satellite.store.asked.length > 0, { what: 'a block was asked for' });
      satellite.users.expire();
      satellite.faults.letGo();
      await deploying;
      expect(bases()).toHaveLength(1);
    });

    it('finds an image whose making was heard, but not answered', async () => {
      satellite.faults.dropCall('createImage', 'after');
      await expect(deploy()).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE', transient: true });
      expect(bases()).toHaveLength(1);
      await deploy();
      expect(bases()).toHaveLength(1);
    });
  });

  describe('after a crash', () => {
    it('goes on with the same upload, and sends no block twice that is there', async () => {
      await crash();
      const [upload] = satellite.store.uploads.values();
      const { token } = upload!;
      await until(() => upload!.lines === 0 && !upload!.status.includes(5), { what: 'the satellite has noticed' });
      const there = upload!.status.filter((status) => status === 0).length;
      expect(there).toBeGreaterThan(0);
      satellite.store.asked.length = 0;
      let moved = 0;
      const { reference } = await deploy({ moved: (bytes) => void (moved += bytes) });
      expect(reference.split('/')[1]).toBe(token);
      expect(satellite.store.uploads.size).toBe(1);
      expect(satellite.store.asked).toHaveLength(4 - there);
      expect(moved).toBe(SIZE);
      expect(bases()).toHaveLength(1);
      expect(bases()[0]!.versions).toHaveLength(1);
    });

    it('goes on with the same upload also where the satellite lists the version already, as one that is not valid', async () => {
      satellite.store.listsUploads = true;
      await crash();
      const [token] = satellite.store.uploads.keys();
      const { reference } = await deploy();
      expect(reference.split('/')[1]).toBe(token);
      expect(satellite.store.uploads.size).toBe(1);
    });

    it('begins anew where the satellite has restarted, and removes the former image', async () => {
      await crash();
      const [former] = bases();
      satellite.restart();
      await deploy();
      expect(bases()).toHaveLength(1);
      expect(bases()[0]!.id).not.toBe(former!.id);
      expect(noted).toHaveLength(2);
    });

    it('keeps what was finished where the satellite has forgotten the upload before it was asked', async () => {
      satellite.store.forgetsFinished = true;
      let moved = 0;
      await deploy({ moved: (bytes) => void (moved += bytes) });
      expect(bases()[0]).toMatchObject({ name: 'Tools', versions: [expect.objectContaining({ isValid: true })] });
      expect(bases()).toHaveLength(1);
      expect([askedBytes(), moved]).toEqual([SIZE, SIZE]);
    });

    it('takes back what it made where the satellite restarts meanwhile', async () => {
      satellite.faults.holdAfter(BLOCK + MIB);
      const attempt = deploy();
      attempt.catch(() => undefined);
      await until(() => satellite.store.asked.length > 1, { what: 'a block was asked for' });
      satellite.restart();
      satellite.faults.letGo();
      await expect(attempt).rejects.toMatchObject({ code: 'ENVIRONMENT_FAILED', message: expect.stringContaining('restarts') });
      expect(bases()).toEqual([]);
      await deploy();
      expect(bases()).toHaveLength(1);
    });

    it('finds what was finished, but not told', async () => {
      satellite.faults.raise('writeImagePermissions', invocation(6));
      const specifics = { permissions: { users: { [COLLEAGUE.id]: { link: true } } } };
      await expect(deploy({}, { specifics })).rejects.toMatchObject({ code: 'ENVIRONMENT_FAILED' });
      expect(bases()[0]!.name).toContain(marker);
      await deploy({}, { specifics });
      expect(bases()).toEqual([expect.objectContaining({ name: 'Tools', versions: [expect.anything()] })]);
      expect(satellite.store.uploads.size).toBe(1);
    });

    it.each([
      ['is not valid any more', (version: StoredVersion) => void (version.isValid = false)],
      ['has another size', (version: StoredVersion) => void version.size--],
    ])('begins anew where what was finished %s', async (_what, spoil) => {
      const { reference } = await deploy();
      const [former] = bases();
      spoil(former!.versions[0]!);
      const anew = await deploy({ former: reference });
      expect(anew.reference).not.toBe(reference);
      const held = bases().flatMap(({ versions }) => versions.map(({ id, isValid, size }) => ({ id, isValid, size })));
      expect(held).toEqual([{ id: anew.reference.split('/')[1], isValid: true, size: SIZE }]);
      expect(idsOf(bases())).not.toContain(former!.id);
    });

    it('takes no other version for what it uploaded, though it has as many bytes', async () => {
      const { reference } = await deploy();
      const [baseId, versionId] = reference.split('/');
      const [former] = bases();
      const theirs = satellite.store.addVersion(former!, qcow2(SIZE));
      former!.versions = former!.versions.filter(({ id }) => id !== versionId);
      const anew = await deploy({ former: reference });
      expect(anew.reference.split('/')[0]).not.toBe(baseId);
      expect(idsOf(former!.versions)).toEqual([theirs.id]);
    });

    it('takes no copy that a user made for its own, and leaves it alone', async () => {
      const { reference } = await deploy();
      const [ours] = bases();
      const copy = satellite.store.createBase('copy', LECTURER.id, { description: ours!.description });
      satellite.store.addVersion(copy, content);
      satellite.store.bases.delete(ours!.id);
      const anew = await deploy({ former: reference });
      expect(anew.reference).not.toContain(copy.id);
      expect(idsOf(bases())).toEqual([copy.id, anew.reference.split('/')[0]]);
      expect(copy.versions.length).toBe(1);
    });

    it('takes an attempt without a note for nothing, and makes nothing twice', async () => {
      await crash();
      await deploy({ former: undefined });
      expect(bases()).toHaveLength(1);
    });
  });

  it.each([
    ['the satellite', { satellite: true }],
    ['the satellite and the master', { satellite: true, master: true }],
  ])('makes nothing twice without a note where the login is left unnamed by %s', async (_who, untold) => {
    Object.assign(satellite.users.untold, untold);
    await crash();
    await deploy({ former: undefined });
    expect(bases()).toHaveLength(1);
  });

  it('takes back what it made, and nothing else, where a later attempt has the job', async () => {
    await deploy();
    const [others] = bases();
    const fenced = new ViceError('JOB_FENCED', 'a later attempt has the job');
    const attempt = inSession(satellite.access('tls'), (session) =>
      session.write(deployable(content, { former: `${randomUUID()}/${randomUUID()}` }), randomUUID(), () =>
        Promise.reject(fenced),
      ),
    );
    await expect(attempt).rejects.toBe(fenced);
    expect(idsOf(bases())).toEqual([others!.id]);
    expect([...satellite.store.uploads.values()].filter(({ state }) => state !== 2)).toEqual([]);
  });

  describe('says what is wrong', () => {
    it.each([
      ['createImage', 'for want of a right', () => authorization(2), 'ENVIRONMENT_REFUSED', false],
      ['createImage', 'for its name', () => invocation(1), 'ENVIRONMENT_REFUSED', false],
      ['updateImageBase', 'for how it is shared', () => invocation(5), 'ENVIRONMENT_REFUSED', false],
      ['updateImageBase', 'without a word', () => invocation(), 'ENVIRONMENT_REFUSED', false],
      ['requestImageVersionUpload', 'for now', () => rejected('Server busy, try later'), 'ENVIRONMENT_BUSY', true],
      ['requestImageVersionUpload', 'without a word', () => rejected(), 'ENVIRONMENT_FAILED', true],
    ] as const)('when %s is refused %s', async (name, _why, exception, code, transient) => {
      satellite.faults.raise(name, exception());
      await expect(deploy()).rejects.toMatchObject({ code, transient });
      if (!transient) expect(bases()).toEqual([]);
    });

    it('when a disk is none that a satellite takes', async () => {
      await expect(deploy({ contentType: 'disk-raw' })).rejects.toMatchObject({ code: 'NOT_DEPLOYABLE' });
      expect(bases()).toEqual([]);
    });

    it('when the image breaks off', async () => {
      const broken = new ViceError('BLOB_NOT_FOUND', 'the blob is gone');
      let reads = 0;
      const read = async (position: number, length: number) => {
        if (++reads > 60) throw broken;
        return content.subarray(position, position + length);
      };
      await expect(deploy({ read })).rejects.toBe(broken);
    });
  });

  describe('and taking down again', () => {
    it('leaves nothing, by the reference or by the marker', async () => {
      const before = holdingsOf(satellite);
      const { reference } = await deploy();
      await remove(reference);
      expect(holdingsOf(satellite)).toEqual(before);
      noted = [];
      await deploy();
      await remove();
      expect(holdingsOf(satellite)).toEqual(before);
    });

    it('is no error where it is gone already, though the satellite does not say that', async () => {
      const { reference } = await deploy();
      satellite.store.bases.clear();
      satellite.store.saysNotFound = false;
      await expect(remove(reference)).resolves.toBeUndefined();
    });

    it('takes nothing for gone that the satellite still lists', async () => {
      const { reference } = await deploy();
      satellite.faults.raise('getImageDetails', invocation());
      await expect(remove(reference)).rejects.toMatchObject({ code: 'ENVIRONMENT_FAILED', transient: true });
      expect(bases()).toHaveLength(1);
    });

    it('leaves the image where somebody has put a version of theirs into it', async () => {
      const { reference } = await deploy();
      satellite.store.addVersion(bases()[0]!, qcow2(1000));
      await remove(reference);
      expect(bases()[0]!.versions).toHaveLength(1);
      expect(satellite.store.findVersion(reference.split('/')[1]!)).toBeNull();
    });

    it('leaves a copy that somebody made, and what another user calls by our marker', async () => {
      const { reference } = await deploy();
      const [ours] = bases();
      const copy = satellite.store.createBase('copy', LECTURER.id, { description: ours!.description });
      const foreign = satellite.store.createBase(`x [ViCE ${marker}]`, COLLEAGUE.id);
      await remove(reference);
      expect(bases()).toEqual([copy, foreign]);
    });

    it('leaves a copy that somebody made also where ours is gone, and removes what never got its own name', async () => {
      const { reference } = await deploy();
      const [ours] = bases();
      const copy = satellite.store.createBase('copy', LECTURER.id, { description: ours!.description });
      satellite.store.addVersion(copy, content);
      satellite.store.createBase(`Tools [ViCE ${marker}]`, LECTURER.id);
      satellite.store.bases.delete(ours!.id);
      await remove(reference);
      expect(idsOf(bases())).toEqual([copy.id]);
      expect(copy.versions.length).toBe(1);
    });

    it('removes the image also where the satellite still lists the version that was deleted', async () => {
      satellite.store.listsDeleted = true;
      const { reference } = await deploy();
      await remove(reference);
      expect(idsOf(bases())).toEqual([]);
      noted = [];
      const { reference: shared } = await deploy();
      satellite.store.addVersion(bases()[0]!, qcow2(1000));
      await remove(shared);
      expect(bases()[0]!.versions.filter(({ isValid }) => isValid).length).toBe(1);
    });

    it('is tried again later while the image is in use', async () => {
      const { reference } = await deploy();
      satellite.faults.raise('deleteImageVersion', invocation(undefined, 'Image is currently in use'));
      await expect(remove(reference)).rejects.toMatchObject({
        code: 'ENVIRONMENT_BUSY',
        transient: true,
        retryAfter: expect.any(Number),
      });
      expect(bases()).toHaveLength(1);
      await remove(reference);
      expect(bases()).toEqual([]);
    });

    it.each([
      ['not listed', false],
      ['listed', true],
    ])('ends an upload that is still under way, its version %s', async (_how, listsUploads) => {
      satellite.store.listsUploads = listsUploads;
      await crash();
      await remove(noted[0]);
      expect(holdingsOf(satellite)).toEqual([]);
      expect(satellite.store.uploads.size).toBe(0);
    });

    it('is not for a student', async () => {
      await expect(deploy({}, { login: { username: STUDENT.login, password: STUDENT.password } })).rejects.toMatchObject({
        code: 'ENVIRONMENT_REFUSED',
      });
    });
  });

  it('holds byte for byte what was deployed', async () => {
    const { reference } = await deploy();
    const back = await inSession(satellite.access('plain'), async (session) =>
      bytesOf(await session.read(await session.describe(reference))),
    );
    expect(back.equals(content)).toBe(true);
  });
});
