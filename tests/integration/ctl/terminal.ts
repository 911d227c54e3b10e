/** A real terminal for a test, of 80 columns and 24 lines: tmux. */
import assert from "node:assert/strict";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function shell(command: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", { args: ["-c", command], stdin: "null" })
    .output();
  assert.ok(success, text(stderr));
  return text(stdout);
}

/** Runs a command in it. */
export async function inTerminal(
  command: string,
  work: (terminal: {
    /** What is shown once it matches. */
    until(wanted: RegExp): Promise<string>;
    press(keys: string): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const tmux = `tmux -S ${dir}/tmux -f /dev/null`;
  await shell(`${tmux} -u new-session -d -x 80 -y 24 ${JSON.stringify(`${command}; echo ended $?; cat`)}`);
  try {
    await work({
      press: async (keys) => void await shell(`${tmux} send-keys ${keys}`),
      until: async (wanted) => {
        for (let n = 0; n < 300; n++) {
          const shown = await shell(`${tmux} capture-pane -p`);
          if (wanted.test(shown)) return shown;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error(`${wanted} did not appear:\n${await shell(`${tmux} capture-pane -p`)}`);
      },
    });
  } finally {
    await shell(`${tmux} kill-server`);
    await Deno.remove(dir, { recursive: true });
  }
}
