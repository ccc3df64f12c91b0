import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';

/** Where bytes come from, as undici's dispatcher hands it over. */
export interface Source {
  pause(): void;
  resume(): void;
}

export interface Unpacker {
  write(bytes: Buffer, from: Source): void;
  end(): void;
}

export interface Unpacked {
  onData(bytes: Buffer, from: Source): void;
  onEnd(): void;
  onError(error: Error): void;
}

/**
 * Decompresses a reply that a server compressed without being asked to.
 *
 * @returns null when it is not compressed, or in an unknown way
 */
export function unpackerFor(
  encoding: string | string[] | undefined,
  { onData, onEnd, onError }: Unpacked,
): Unpacker | null {
  const unzip = decompressorFor(String(encoding ?? '').toLowerCase());
  if (unzip === null) return null;
  unzip.on('data', (bytes: Buffer) => onData(bytes, unzip));
  unzip.once('end', onEnd);
  unzip.once('error', onError);
  return {
    write(bytes, from) {
      if (unzip.write(bytes)) return;
      from.pause();
      unzip.once('drain', () => from.resume());
    },
    end: () => void unzip.end(),
  };
}

function decompressorFor(encoding: string) {
  // A flushed piece is an event that a reader waits for.
  const gzip = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(gzip);
    case 'deflate':
      return createInflate(gzip);
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return createZstdDecompress();
    default:
      return null;
  }
}
