import { describe, expect, it } from '@jest/globals';
import { SecretBox } from './secret-box.js';

describe('a secret box', () => {
  const box = SecretBox.fromKey(SecretBox.newKey());

  it('opens what it sealed', () => {
    expect(box.open(box.seal('pässword', 'login:ada'), 'login:ada')).toBe('pässword');
    expect(box.open(box.seal('', 'login:ada'), 'login:ada')).toBe('');
  });

  it('seals the same text differently each time', () => {
    expect(box.seal('x', 'a')).not.toBe(box.seal('x', 'a'));
  });

  it('does not open a secret that belongs to something else', () => {
    expect(() => box.open(box.seal('x', 'login:ada'), 'login:bob')).toThrow(/belongs to something else/);
  });

  it('does not open what was altered or cut', () => {
    const sealed = box.seal('x', 'a');
    expect(() => box.open(`${sealed.slice(0, -6)}AAAA==`, 'a')).toThrow(/altered/);
    expect(() => box.open(`v1:${box.keyId}:`, 'a')).toThrow();
  });

  it('says when the key is another one', () => {
    const other = SecretBox.fromKey(SecretBox.newKey());
    expect(() => other.open(box.seal('x', 'a'), 'a')).toThrow(/VICE_SECRET_KEY must be the same everywhere/);
    expect(() => other.open(box.seal('x', 'a'), 'a')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  });

  it('opens what other keys sealed where it is given them, and seals with its own', () => {
    const [past, future] = [SecretBox.newKey(), SecretBox.newKey()];
    const [before, after] = [SecretBox.fromKey(past), SecretBox.fromKey(future)];
    const between = SecretBox.fromKey(future, [past]);
    expect(between.open(before.seal('x', 'a'), 'a')).toBe('x');
    expect(between.open(after.seal('x', 'a'), 'a')).toBe('x');
    expect(after.open(between.seal('x', 'a'), 'a')).toBe('x');
    expect(() => before.open(between.seal('x', 'a'), 'a')).toThrow(/was sealed with key/);
    expect(() => between.open(before.seal('x', 'a'), 'b')).toThrow(/belongs to something else/);
    expect(between.keyId).toBe(after.keyId);
    expect(new Set(between.keyIds)).toEqual(new Set([before.keyId, after.keyId]));
    expect(between.mac('x')).toBe(after.mac('x'));
  });

  it('tells with which key something was sealed', () => {
    expect(SecretBox.keyIdOf(box.seal('x', 'a'))).toBe(box.keyId);
  });

  it('refuses a key of another length', () => {
    expect(() => SecretBox.fromKey('c2hvcnQ=')).toThrow(/32 bytes/);
    expect(() => SecretBox.fromKey(SecretBox.newKey(), ['c2hvcnQ='])).toThrow(/32 bytes/);
  });
});
