import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { ViceError } from '#libs/errors';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals secrets with AES-256-GCM. A sealed secret is `v1:<key id>:<base64 of nonce, ciphertext and tag>`, and is bound to what it
 * belongs to: the same text does not open elsewhere.
 */
export class SecretBox {
  /** Tells keys apart without telling anything of the key: 16 hexadecimal digits. */
  readonly keyId: string;
  private readonly sealingKey: Buffer;
  private readonly macKey: Buffer;

  private constructor(key: Buffer) {
    const derive = (purpose: string, bytes: number) => Buffer.from(hkdfSync('sha256', key, '', `vice:${purpose}`, bytes));
    this.keyId = derive('key-id', 8).toString('hex');
    this.sealingKey = derive('seal', 32);
    this.macKey = derive('mac', 32);
  }

  /** @param base64 32 bytes in base64 */
  static fromKey(base64: string): SecretBox {
    const key = Buffer.from(base64, 'base64');
    if (key.length !== 32) throw new ViceError('CONFIGURATION', 'the secret key must be 32 bytes in base64');
    return new SecretBox(key);
  }

  static newKey(): string {
    return randomBytes(32).toString('base64');
  }

  seal(plain: string, boundTo: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.sealingKey, nonce).setAAD(Buffer.from(boundTo));
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}:${this.keyId}:${sealed.toString('base64')}`;
  }

  /** Raises CONFIGURATION for a secret of another key, INTERNAL for one that was altered or belongs elsewhere. */
  open(sealed: string, boundTo: string): string {
    const [version, keyId, body = ''] = sealed.split(':');
    if (version !== VERSION) throw new ViceError('INTERNAL', 'a stored secret has an unknown form');
    if (keyId !== this.keyId) {
      throw new ViceError(
        'CONFIGURATION',
        `a secret was sealed with key ${keyId}, and this service has key ${this.keyId}: VICE_SECRET_KEY must be the same everywhere`,
      );
    }
    const bytes = Buffer.from(body, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.sealingKey, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(boundTo))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new ViceError('INTERNAL', 'a stored secret does not open: it was altered, or belongs to something else', { cause });
    }
  }

  /** A keyed digest, for telling texts apart without keeping them. */
  mac(text: string): string {
    return createHmac('sha256', this.macKey).update(text).digest('base64');
  }
}
