import { Cluster, type Redis } from 'ioredis';

/**
 * Sends what is written to Redis in one pass of the event loop with one system call. ioredis makes one for each command,
 * and each wakes Redis; with 16 clients that was an eighth of a replica's CPU (docs/decisions/0018).
 */
export function writeTogether(client: Redis | Cluster): void {
  if (client instanceof Cluster) client.on('+node', onConnect);
  else onConnect(client);
}

function onConnect(client: Redis): void {
  client.on('connect', () => hold(client.stream));
}

function hold(stream: Redis['stream']): void {
  let isHeld = false;
  const release = () => {
    isHeld = false;
    stream.uncork();
  };
  const write: (...given: Parameters<typeof stream.write>) => boolean = stream.write.bind(stream);
  Object.assign(stream, {
    write(...given: Parameters<typeof stream.write>): boolean {
      if (!isHeld) {
        isHeld = true;
        stream.cork();
        setImmediate(release);
      }
      return write(...given);
    },
  });
}
