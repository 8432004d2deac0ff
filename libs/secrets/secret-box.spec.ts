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
  });

  it('refuses a key of another length', () => {
    expect(() => SecretBox.fromKey('c2hvcnQ=')).toThrow(/32 bytes/);
  });
});
