import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Signed {
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

/** An authority of its own for a test, in a folder. */
export class TestAuthority {
  readonly root: Signed;

  constructor(
    private readonly dir: string,
    private readonly name: string,
  ) {
    const file = (end: string) => join(dir, `${name}.${end}`);
    this.openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file('key'),
      '-out',
      file('crt'),
    );
    this.root = this.read(name);
  }

  /** @param subjectAlternative such as `IP:127.0.0.1`; for a server */
  issue(name: string, subjectAlternative?: string): Signed {
    const file = (end: string) => join(this.dir, `${this.name}-${name}.${end}`);
    const usage = subjectAlternative
      ? `extendedKeyUsage=serverAuth\nsubjectAltName=${subjectAlternative}\n`
      : 'extendedKeyUsage=clientAuth\n';
    writeFileSync(file('ext'), usage);
    this.openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file('key'),
      '-out',
      file('csr'),
    );
    this.openssl(
      'x509',
      '-req',
      '-in',
      file('csr'),
      '-CA',
      this.root.certFile,
      '-CAkey',
      this.root.keyFile,
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      file('ext'),
      '-out',
      file('crt'),
    );
    return this.read(`${this.name}-${name}`);
  }

  private read(name: string): Signed {
    const [certFile, keyFile] = [join(this.dir, `${name}.crt`), join(this.dir, `${name}.key`)];
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
