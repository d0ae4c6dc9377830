import type { Socket } from "node:net";

type Done = (error?: Error | null) => void;

/**
 * Lets what the other side sent last be read although it takes nothing more: a server may answer before it has the whole
 * request and close, which resets the connection. The kernel still has the answer then, but Node destroys a socket at the
 * first write that fails. Here such a write stays open instead, and reading comes to its end, which the reset brings.
 */
export function answerFirst(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  const unlessReset =
    (done: Done): Done =>
    (error) => {
      if (!isReset(error)) done(error);
    };
  socket._write = (chunk, encoding, done) => write(chunk, encoding, unlessReset(done));
  if (writev) socket._writev = (chunks, done) => writev(chunks, unlessReset(done));
  return socket;
}

function isReset(error: Error | null | undefined): boolean {
  return error instanceof Error && "code" in error && (error.code === "EPIPE" || error.code === "ECONNRESET");
}
