/** Runs in a namespace: listens on the address and port given, and tells who came from where and how it ended. */
const [hostname = "", port = ""] = Deno.args;
const listener = Deno.listen({ hostname, port: Number(port) });
console.log(JSON.stringify({ listening: true }));
void (async () => {
  for await (const connection of listener) {
    const { remoteAddr } = connection;
    // 0 or null bytes is an ordinary end; a reset is an error.
    const end = await connection.read(new Uint8Array(1)).then(
      (count) => count === null ? "closed" : "data",
      (error) => String(error),
    );
    console.log(JSON.stringify({ from: remoteAddr.transport === "tcp" ? remoteAddr.hostname : "", end }));
    connection.close();
  }
})();
for await (const _ of Deno.stdin.readable) continue;
listener.close();
