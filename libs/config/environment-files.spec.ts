import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from './vice.config.js';

const key = Buffer.alloc(32, 7).toString('base64');
const alone = { AMQP_URL: 'amqp://broker', VICE_SECRET_KEY: key };

describe('a variable that comes from a file', () => {
  let folder: string;
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vice-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has its content, without the line end', () => {
    const { amqpUrl, secretKey, port, egressDeny, logLevel } = loadConfig('gateway', {
      AMQP_URL_FILE: file('amqp', 'amqp://vice:s3cret@broker\n'),
      VICE_SECRET_KEY_FILE: file('key', `${key}\r\n`),
      PORT_FILE: file('port', '81'),
      VICE_EGRESS_DENY_FILE: file('deny', '10.0.0.0/8, 192.0.2.0/24\n'),
      VICE_LOG_LEVEL_FILE: file('level', 'warn\n'),
    });
    expect({ amqpUrl, secretKey, port, egressDeny, logLevel }).toEqual({
      ...{ amqpUrl: 'amqp://vice:s3cret@broker', secretKey: key, port: 81 },
      ...{ egressDeny: ['10.0.0.0/8', '192.0.2.0/24'], logLevel: 'warn' },
    });
  });

  it('is not set besides, though it may be set to nothing', () => {
    const both = { ...alone, AMQP_URL_FILE: file('other', 'amqp://other:s3cret@host') };
    expect(() => loadConfig('gateway', both)).toThrow(/- AMQP_URL and AMQP_URL_FILE are both set/);
    expect(() => loadConfig('gateway', both)).not.toThrow(/missing|s3cret/);
    expect(loadConfig('gateway', { ...both, AMQP_URL: '' }).amqpUrl).toBe('amqp://other:s3cret@host');
  });

  it('is a fault that names the file and the reason, once, where that cannot be read', () => {
    const faults = (path: string) => {
      try {
        loadConfig('registry', { ...alone, DATABASE_URL_FILE: path });
      } catch (error) {
        return (error as Error).message.split('\n').slice(1);
      }
      return [];
    };
    expect(faults(`${folder}/absent`)).toEqual([
      expect.stringMatching(/- DATABASE_URL_FILE names .*\/absent, which cannot be read: .*ENOENT/),
    ]);
    expect(faults(folder)).toEqual([expect.stringMatching(/which cannot be read: .*EISDIR/)]);
  });

  it('counts as absent where the file is empty, and is missed where it is needed', () => {
    const empty = file('empty', '\n');
    expect(loadConfig('gateway', { ...alone, VICE_VARIANT_QUOTA_BYTES_FILE: empty }).variantQuotaBytes).toBeNull();
    expect(() => loadConfig('registry', { ...alone, DATABASE_URL_FILE: empty })).toThrow(
      /- DATABASE_URL_FILE names .*\/empty, which is empty: the registry/,
    );
  });

  it('is held to the same rules as any other, and a fault does not repeat a secret', () => {
    const wrong = { ...alone, DATABASE_URL_FILE: file('wrong', 'mysql://secret@x\n') };
    expect(() => loadConfig('registry', wrong)).toThrow(/- DATABASE_URL must be a URL that begins with postgres:/);
    expect(() => loadConfig('registry', wrong)).not.toThrow(/secret@x|missing/);
  });
});
