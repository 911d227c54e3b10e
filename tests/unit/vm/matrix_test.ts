import assert from "node:assert/strict";
import { imagesNamed, TESTED } from "../../vm/images.ts";
import { matrixText, merge, parseMatrix, type Result } from "../../vm/matrix.ts";

const result = (image: string, more: Partial<Result> = {}): Result => ({
  image,
  date: "2026-01-02",
  commit: "0123456789",
  extent: "short",
  kernel: "6.12.1 x86_64",
  systemd: "257.1",
  libnvme: "1.13-2",
  passed: 8,
  failed: [],
  skipped: [],
  ...more,
});

Deno.test("images by name; all is each of them, an unknown name is refused with those that there are", () => {
  assert.deepEqual(imagesNamed(["sid", "clean"]).map(({ name }) => name), ["sid", "clean"]);
  assert.deepEqual(imagesNamed(["all"]), TESTED);
  assert.deepEqual(imagesNamed(["podman"]).map(({ name }) => name), ["podman"]);
  assert.throws(
    () => imagesNamed(["potato"]),
    /--image potato: no such image; there are: clean, .*arm64, .*, all/,
  );
});

Deno.test("each image is one that the bed knows", async () => {
  const text = await Deno.readTextFile("tests/vm/bed/images.sh");
  assert.equal(/^TESTED='(.*)'$/m.exec(text)?.[1], TESTED.map(({ name }) => name).join(" "));
  for (const { name } of TESTED) assert.match(text, new RegExp(`^ {8}${name}\\) `, "m"));
});

Deno.test("a run replaces the results of its own images and keeps the others, in the order of the images", () => {
  const before = [result("sid"), result("clean", { passed: 1 })];
  const now = [result("clean", { passed: 9 }), result("arm64")];
  assert.deepEqual(merge(before, now).map(({ image, passed }) => [image, passed]), [
    ["clean", 9],
    ["sid", 8],
    ["arm64", 8],
  ]);
});

Deno.test("the page tells what was skipped and why, and is read back as it was written", () => {
  const results = [
    result("clean"),
    result("bookworm", {
      passed: 7,
      failed: ["change at the target"],
      skipped: [["FC: lines", "the kernel has no nvme-fcloop --> none"]],
    }),
  ];
  const text = matrixText(results);
  assert.match(text, /^\| `bookworm` \|.* 7 \| 1 \| 1 \|$/m);
  assert.match(text, /^## Failed\n\n- `bookworm`: change at the target$/m);
  assert.match(text, /^- `bookworm`: FC: lines: the kernel has no nvme-fcloop/m);
  assert.match(text, /^- `arm64`: .* \(not run yet\)$/m);
  assert.equal(parseMatrix(text).length, 2);
  assert.deepEqual(parseMatrix(text)[0], results[0]);
  assert.deepEqual(parseMatrix("# no data\n"), []);
});

Deno.test("the page says when its rows are of different commits", () => {
  assert.doesNotMatch(matrixText([result("clean"), result("sid")]), /different commits/);
  const text = matrixText([result("clean"), result("sid", { commit: "fedcba9876" })]);
  assert.match(text, /^The rows are of 2 different commits\.$/m);
});
