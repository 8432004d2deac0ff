import { describe, expect, it } from '@jest/globals';
import { parseLocation } from './location.js';

describe('location of a Docker Engine', () => {
  it.each([
    ['unix:///var/run/docker.sock', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['unix:///var/../run/./x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['UNIX:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['tcp://engine.example.org:2375', { kind: 'tcp', host: 'engine.example.org', port: 2375, tls: false }],
    ['tcp://10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 2375, tls: false }],
    ['tcp://[::1]:99/', { kind: 'tcp', host: '::1', port: 99, tls: false }],
    ['http://engine:8080', { kind: 'tcp', host: 'engine', port: 8080, tls: false }],
    ['https://engine', { kind: 'tcp', host: 'engine', port: 443, tls: true }],
    ['ssh://me@engine', { kind: 'ssh', host: 'engine', port: 22, user: 'me', socket: null }],
    ['ssh://engine:2222/run/docker.sock', { kind: 'ssh', host: 'engine', port: 2222, user: null, socket: '/run/docker.sock' }],
  ])('%s', (location, expected) => {
    expect(parseLocation(location, false)).toEqual(expected);
  });

  it('speaks TLS to tcp:// where there are certificates', () => {
    expect(parseLocation('tcp://engine', true)).toEqual({ kind: 'tcp', host: 'engine', port: 2376, tls: true });
  });

  it.each([
    [null, /has no credentials.location/],
    ['', /has no credentials.location/],
    ['/var/run/docker.sock', /not understood/],
    ['engine:2375', /not understood/],
    ['npipe:////./pipe/docker_engine', /not understood/],
    ['unix://', /names no socket/],
    ['unix://run/docker.sock', /names no socket/],
    ['unix:///', /names no socket/],
    ['tcp://', /names no host/],
    ['tcp://:2375', /names no host/],
    ['tcp://host:0', /no port/],
    ['tcp://host:port', /no port/],
    ['tcp://ho%73t:1', /no name or address/],
    ['tcp://[1.2.3.4]:1', /no name or address/],
    ['tcp://host:1/prefix', /ends in a path/],
    ['tcp://host:1?x=y', /must end after/],
    ['https://user@host', /must not hold a user name/],
    ['ssh://user:hush@host', /must not hold a password/],
    ['ssh://-oProxyCommand=x@host', /no user name/],
  ])('%s is refused', (location, message) => {
    const parse = () => parseLocation(location, false);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_MISCONFIGURED' }));
    expect(parse).not.toThrow(/hush/);
  });
});
