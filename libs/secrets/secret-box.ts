import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { ViceError } from '#libs/errors';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What is made of one secret key. */
interface DerivedKey {
  id: string;
  seal: Buffer;
  mac: Buffer;
}

/**
 * Seals secrets with AES-256-GCM. A sealed secret is `v1:<key id>:<base64 of nonce, ciphertext and tag>`, and is bound to what it
 * belongs to: the same text does not open elsewhere. One key seals; others may open, while keys are changed.
 */
export class SecretBox {
  /** Of the key that seals. Tells keys apart without telling anything of the key: 16 hexadecimal digits. */
  readonly keyId: string;
  private readonly own: DerivedKey;
  private readonly all: ReadonlyMap<string, DerivedKey>;

  private constructor(own: DerivedKey, others: readonly DerivedKey[]) {
    this.own = own;
    this.keyId = own.id;
    this.all = new Map([...others, own].map((key) => [key.id, key]));
  }

  /**
   * @param base64 32 bytes in base64: the key that seals, and opens
   * @param others in the same form: what was sealed with them opens too
   */
  static fromKey(base64: string, others: readonly string[] = []): SecretBox {
    return new SecretBox(derived(base64), others.map(derived));
  }

  /** The key with which a sealed secret was sealed. */
  static keyIdOf(sealed: string): string {
    return sealed.split(':')[1] ?? '';
  }

  static newKey(): string {
    return randomBytes(32).toString('base64');
  }

  /** The ids of all keys with which this opens, its own among them. */
  get keyIds(): string[] {
    return [...this.all.keys()];
  }

  seal(plain: string, boundTo: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.own.seal, nonce).setAAD(Buffer.from(boundTo));
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}:${this.keyId}:${sealed.toString('base64')}`;
  }

  /**
   * Raises UNAVAILABLE for a secret of a key that is not known here: while keys are changed, another service may know it, and this one soon.
   * Raises INTERNAL for a secret that was altered or belongs elsewhere.
   */
  open(sealed: string, boundTo: string): string {
    const [version, keyId = '', body = ''] = sealed.split(':');
    if (version !== VERSION) throw new ViceError('INTERNAL', 'a stored secret has an unknown form');
    const key = this.all.get(keyId);
    if (!key) {
      throw new ViceError(
        'UNAVAILABLE',
        `a secret was sealed with key ${keyId}, and this service has key ${this.keyIds.join(', ')}: VICE_SECRET_KEY must be the same everywhere, and VICE_OTHER_SECRET_KEYS name the other one while it is changed`,
      );
    }
    const bytes = Buffer.from(body, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key.seal, bytes.subarray(0, NONCE_BYTES))
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
    return createHmac('sha256', this.own.mac).update(text).digest('base64');
  }
}

function derived(base64: string): DerivedKey {
  const key = Buffer.from(base64, 'base64');
  if (key.length !== 32) throw new ViceError('CONFIGURATION', 'the secret key must be 32 bytes in base64');
  const derive = (purpose: string, bytes: number) => Buffer.from(hkdfSync('sha256', key, '', `vice:${purpose}`, bytes));
  return { id: derive('key-id', 8).toString('hex'), seal: derive('seal', 32), mac: derive('mac', 32) };
}
