/** The rooms on the architecture page are those that the gate checks. */
import assert from "node:assert/strict";
import { roomOf, ROOMS } from "../../../scripts/structure/house.ts";

const PAGE = new URL("../../../docs/architecture.md", import.meta.url);

interface Row {
  readonly places: readonly string[];
  readonly content: string;
  readonly imports: string;
}

async function rows(): Promise<readonly Row[]> {
  const text = await Deno.readTextFile(PAGE);
  const table = text.split("\n## Rooms\n\n")[1]?.split("\n\n")[0] ?? "";
  return table.split("\n").slice(2).map((line) => {
    const [, places = "", content = "", imports = ""] = line.split("|").map((cell) => cell.trim());
    return { places: [...places.matchAll(/`([^`]+)`/g)].map(([, place = ""]) => place), content, imports };
  });
}

const placeOf = (at: string): string => at.replace(/\/$/, "");

Deno.test("the architecture page has every room, what it may import, and whether it is pure", async () => {
  const all = await rows();
  assert.deepEqual(
    all.flatMap(({ places }) => places).toSorted(),
    ROOMS.map(({ at }) => placeOf(at)).toSorted(),
  );
  for (const { places, content, imports } of all) {
    const rooms = ROOMS.filter(({ at }) => places.includes(placeOf(at)));
    const [room] = rooms;
    assert.ok(room !== undefined);
    // Those of several files, and what they share, are described in words.
    if (rooms.length > 1 || room.name === "image") continue;
    const said = imports === "nothing" ? [] : imports.split(", ");
    const base = roomOf("src/lib/base/x.ts")?.name ?? "";
    const known = room.name === base ? [] : [base];
    assert.deepEqual([...known, ...said].toSorted(), room.mayImport.toSorted(), room.at);
    if (places[0]?.endsWith(".ts") !== true) {
      assert.equal(/\bPure\b/.test(content), room.pure === true, room.at);
    }
  }
});
