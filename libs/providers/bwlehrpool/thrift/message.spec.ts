import { describe, expect, it } from '@jest/globals';
import { Satellite } from '../calls/methods.js';
import { ApplicationException, encodeCall, openReply, ProtocolFault, RemoteException } from './message.js';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
/** A reply to a method, without the frame's length. */
const reply = (name: string, fields: string, kind = '02') => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([hex(`800100${kind}`), length, Buffer.from(name), hex('00000001'), hex(fields)]);
};

describe('messages', () => {
  it('are sent as the official client sends them, byte for byte', () => {
    expect(encodeCall(Satellite.getVersion, 1, { clientVersion: 5n })).toEqual(
      hex('00000022 80010001 0000000a 67657456657273696f6e 00000001 0a0001 0000000000000005 00'),
    );
  });

  it('are understood as the official server sends them', () => {
    const { sequence, result } = openReply(hex('80010002 0000000a 67657456657273696f6e 00000001 0a0000 0000000000000005 00'));
    expect(sequence).toBe(1);
    expect(result(Satellite.getVersion)).toBe(5n);
  });

  it.each([
    ['7fffffffffffffff', 9_223_372_036_854_775_807n],
    ['8000000000000000', -9_223_372_036_854_775_808n],
    ['0020000000000001', 9_007_199_254_740_993n],
  ])('carry 64 bits exactly: %s', (bytes, value) => {
    expect(openReply(reply('getVersion', `0a0000${bytes}00`)).result(Satellite.getVersion)).toBe(value);
    expect(encodeCall(Satellite.getVersion, 1, { clientVersion: value }).toString('hex')).toContain(`0a0001${bytes}00`);
  });

  it('leave out what is not given', () => {
    const asked = { userToken: 't', imageBaseId: 'b', fileSize: 1n, machineDescription: Buffer.from('m') };
    const frame = encodeCall(Satellite.requestImageVersionUpload, 1, asked).toString('hex');
    expect(frame).not.toContain('0f0004');
    expect(frame).toMatch(/0b0005000000016d00$/);
  });

  it('skip fields that we do not know, or that have another type', () => {
    // 99: a struct that holds a list of maps; 1: an i64 where a string belongs; then the fields that we know
    const unknown = '0c0063 0f0001 0d00000001 0b0b00000001 0000000161 0000000162 00';
    const details = `0c0000 ${unknown} 0a0001 0000000000000007 0b0004 00000001 6e 00 00`;
    expect(openReply(reply('getImageDetails', details)).result(Satellite.getImageDetails)).toEqual({ imageName: 'n' });
  });

  it.each([
    ['0c0001 080001 00000002 0b0002 00000003 6e6f70 00 00', 'authorization', 2, 'nop'],
    ['0c0001 00 00', 'authorization', undefined, ''],
    ['0c0002 0b0001 00000004 676f6e65 00 00', 'not-found', undefined, 'gone'],
    ['0c0003 00 00', 'invocation', undefined, ''],
  ])('raise what the server raised: %s', (fields, kind, number, said) => {
    const read = () => openReply(reply('getImageDetails', fields)).result(Satellite.getImageDetails);
    expect(read).toThrow(RemoteException);
    expect(read).toThrow(expect.objectContaining({ kind, number, said }));
  });

  it('raise what Thrift itself says', () => {
    const read = () =>
      openReply(reply('getVersion', '0b0001 00000002 6e6f 080002 00000001 00', '03')).result(Satellite.getVersion);
    expect(read).toThrow(ApplicationException);
    expect(read).toThrow(expect.objectContaining({ type: 1, message: 'no' }));
  });

  it.each([
    ['nothing', ''],
    ['a web page', Buffer.from('HTTP/1.1 400 Bad Request').toString('hex')],
    ['half of a field', '80010002 0000000a 67657456657273696f6e 00000001 0a0000 0000'],
    ['an answer to something else', '80010002 00000001 78 00000001 00'],
    ['no result', '80010002 0000000a 67657456657273696f6e 00000001 00'],
  ])('are refused where they are %s', (_what, bytes) => {
    expect(() => openReply(hex(bytes)).result(Satellite.getVersion)).toThrow(ProtocolFault);
  });

  it.each([
    ['more elements than there are bytes', '0f0000 08 7fffffff 00'],
    ['fewer than none', '0f0000 0c ffffffff 00'],
    ['elements of another type', '0f0000 0b 00000001 00000001 78 00'],
  ])('are refused where a list has %s', (_what, fields) => {
    const read = () => openReply(reply('getOperatingSystems', fields)).result(Satellite.getOperatingSystems);
    expect(read).toThrow(ProtocolFault);
  });
});
