import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { describeWith, tool, until } from '#libs/testing';
import { type DeployableImage } from '../../environment-provider.js';
import { EgressPolicy } from '../../egress-policy.js';
import { settingsOf } from '../bwlehrpool.settings.js';
import { Satellite } from '../satellite.js';
import { upload } from '../transfer/upload.js';
import { accessTo, deployable } from './bwlehrpool-bench.js';
import { BLOCK, BLOCK_STATUS, STATE, type Upload } from './satellite/store.js';
import { startSatellite, type TestSatellite } from './satellite/test-satellite.js';
import { LECTURER } from './satellite/users.js';

await describeWith([tool('openssl')], 'an upload that a satellite knows', () => {
  let satellite: TestSatellite;
  let known: Upload;
  const content = randomBytes(2 * BLOCK + 99);
  beforeAll(async () => void (satellite = await startSatellite()));
  beforeEach(() => {
    const { store, faults } = satellite;
    const base = store.createBase('tools', LECTURER.id);
    known = store.beginUpload(base, LECTURER.id, content.length, null, Buffer.alloc(0));
    store.noticesTheEnd = true;
    faults.reset();
  });
  afterAll(async () => satellite?.[Symbol.asyncDispose]());

  const uploaded = async (patienceMs?: number, image: Partial<DeployableImage> = {}) => {
    const { signal } = new AbortController();
    const settings = settingsOf(accessTo(satellite.access('tls')));
    await using client = new Satellite(() => settings, new EgressPolicy([]), signal);
    return await upload(client, { token: known.token, port: satellite.transfer.tls }, deployable(content, image), patienceMs);
  };
  const askedHowFar = (times: number) =>
    until(() => (satellite.faults.calls.get('queryUploadStatus') ?? 0) >= times, { what: `it was asked for ${times} times` });

  const arrived = () => satellite.store.contentOf(satellite.store.findVersion(known.token)!.version).equals(content);

  it('goes on after however many lines that break', async () => {
    satellite.faults.sayError(...Array.from({ length: 9 }, () => 'timeout'));
    expect(await uploaded()).toBe('finished');
    expect(satellite.faults.lines).toBeGreaterThan(9);
    expect(arrived()).toBe(true);
  });

  it('is made over one line where the satellite takes no second one, not even to speak TLS', async () => {
    satellite.faults.linesAtOnce = 1;
    expect(await uploaded()).toBe('finished');
    expect(known.mismatches).toEqual([0, 0, 0]);
    expect(arrived()).toBe(true);
  });

  it('gets another line in the place of one that broke, while the other one is at work', async () => {
    satellite.faults.cutTransfers(2 ** 20);
    const read = async (position: number, length: number) => {
      if (position >= 2 * BLOCK) await until(() => satellite.faults.lines > 2, { what: 'a third line came' });
      return content.subarray(position, position + length);
    };
    expect(await uploaded(undefined, { read })).toBe('finished');
    expect(arrived()).toBe(true);
  });

  it.each([
    ['timeout', 'ENVIRONMENT_UNREACHABLE'],
    ['Server busy, try again later', 'ENVIRONMENT_BUSY'],
  ])('is given up in words when nothing has come of it for long: "%s"; and goes on later', async (said, code) => {
    satellite.faults.sayError(...Array.from({ length: 100 }, () => said));
    await expect(uploaded(0)).rejects.toMatchObject({ code, transient: true, message: expect.stringContaining(said) });
    expect(satellite.faults.lines).toBeGreaterThanOrEqual(4);
    satellite.faults.reset();
    expect(await uploaded()).toBe('finished');
  });

  it.each(['copying', 'hashing'] as const)('is left in peace while the satellite is %s and asks for nothing', async (busy) => {
    known.status.fill(BLOCK_STATUS[busy]);
    const uploading = uploaded(0);
    await askedHowFar(5);
    expect(satellite.faults.lines).toBe(0);
    known.status.fill(BLOCK_STATUS.complete);
    expect(await uploading).toBe('finished');
  });

  it('gets one more line where the satellite has everything, and does not notice', async () => {
    satellite.store.noticesTheEnd = false;
    expect(await uploaded()).toBe('finished');
    expect(satellite.store.asked.filter(({ token }) => token === known.token)).toHaveLength(3);
  });

  it('waits for a satellite that has everything, and takes its time over it', async () => {
    known.status.fill(BLOCK_STATUS.complete);
    known.state = STATE.working;
    satellite.faults.closeSilently(10);
    expect(await uploaded(0)).toBe('finished');
  });
});
