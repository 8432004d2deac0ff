import { describe, expect, test } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { guestSettings, recordOf } from './container-start.js';

const document = (more: JsonObject = {}): JsonObject => ({
  os: 'linux',
  architecture: 'amd64',
  config: { Cmd: ['sh'] },
  ...more,
});

describe('what a container is started with', () => {
  test('is its entrypoint and command, with a path, as root, where the image says no more', () => {
    expect(guestSettings({ Entrypoint: ['/entry'], Cmd: ['a b', "it's"] })).toBe(
      [
        "hostname=''",
        "workdir='/'",
        'stopsignal=15',
        'stoptimeout=10',
        'input=/dev/null',
        'start() {',
        '  exec /.vice/bin/busybox setsid /.vice/bin/busybox env -i HOSTNAME="$hostname" ' +
          "'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \\",
        "    /.vice/bin/gosu '0' \\",
        "    '/entry' 'a b' 'it'\\''s'",
        '}',
        '',
      ].join('\n'),
    );
  });

  test('is all that the image says', () => {
    const settings = guestSettings({
      ...{ Cmd: ['run'], Env: ['PATH=/bin', 'HOME=/my home', 'A=$(reboot)\n`x`', '=hidden', '-u=x'], WorkingDir: 'srv/../data' },
      ...{ User: 'web:adm', StopSignal: 'SIGQUIT', StopTimeout: 90, OpenStdin: true, Hostname: 'x; reboot' },
    });
    expect(settings).toContain("hostname='x; reboot'\nworkdir='/data'\nstopsignal=3\nstoptimeout=90\ninput=/dev/console\n");
    expect(settings).toContain(`HOSTNAME="$hostname" 'PATH=/bin' 'HOME=/my home' 'A=$(reboot)\n\`x\`' \\\n`);
    expect(settings).toContain("gosu 'web:adm' \\\n    /.vice/bin/busybox env 'HOME=/my home' 'run'\n");
  });

  test.each<[string, JsonObject, string]>([
    ['names nothing to start', {}, 'CONTENT_REFUSED'],
    ['names it in no list', { Cmd: 'sh' }, 'CONTENT_INVALID'],
    ['has a zero byte in it', { Cmd: ['a\0b'] }, 'CONTENT_INVALID'],
    ['has a user that is no text', { Cmd: ['a'], User: 0 }, 'CONTENT_INVALID'],
  ])('is not to be had where the image %s', (_, config, code) => {
    expect(() => guestSettings(config)).toThrow(expect.objectContaining({ code }));
  });
});

describe('what is kept of an image', () => {
  test('is its configuration, whole, and where it comes from', () => {
    const config = { Cmd: ['sh'], Labels: { a: 'b' }, Volumes: { '/data': {} }, ExposedPorts: { '80/tcp': {} } };
    expect(recordOf(document({ config, created: '2026-01-01T00:00:00Z', author: '', rootfs: {} }))).toEqual({
      ...{ version: 1, os: 'linux', architecture: 'amd64', created: '2026-01-01T00:00:00Z', config },
    });
  });

  test.each<JsonObject>([{ os: 'windows' }, { architecture: 'arm64' }, { architecture: '386' }])(
    'is nothing where it is for %j',
    (platform) => {
      expect(() => recordOf(document(platform))).toThrow('only container images for linux/amd64');
    },
  );
});
