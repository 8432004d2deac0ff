import { ViceError } from '#libs/errors';

type SystemError = Partial<NodeJS.ErrnoException & { address: string; port: number }>;

/** What kept a process from starting, in words for who started it: a taken port and a folder that cannot be made are no faults of the program. */
export function startFault(error: unknown): string {
  if (error instanceof ViceError) return error.message;
  const { code, syscall, address, port, path, message = '', stack } = Object(error) as SystemError;
  if (syscall === 'listen' && code === 'EADDRINUSE')
    return `${address}:${port} is taken by another process: stop that one, or set PORT to another port`;
  if (syscall === 'listen')
    return `cannot listen at ${address}:${port}: ${message}; set HOST and PORT to what this machine allows`;
  if (syscall === 'mkdir')
    return `the folder ${path} cannot be made: ${message}; set VICE_DATA_DIR or VICE_BLOB_STORE to another one`;
  return stack ?? String(error);
}
