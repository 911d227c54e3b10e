/**
 * Kernel events that do not concern us do not even wake us. Each connection makes six events, of which we
 * need one: four are about its subsystem, its namespaces and their block devices, and one reports that it was
 * added, before its attributes can be read. The kernel runs the filter (classic BPF, `man 7 socket`) when it
 * hands an event to our socket.
 */
import { isAtLeast } from "../nvme/kernel_version.ts";
import { bytes, SO_ATTACH_FILTER, SOL_SOCKET, sys } from "./ffi_libc.ts";

/** Paths below `/devices/virtual/`, compared by their first letters in words of four bytes. */
const UNWANTED = ["bdi/", "bloc", "nvme-sub"] as const;
const PREFIX = "/devices/virtual/";
/** The position of the `@`, after `add`, `move` or `bind`, `change` or `remove`, `offline`. */
const AT_SIGNS = [3, 4, 6, 7] as const;

/** `struct sock_filter`: operation, jumps when true and when false, operand. */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number];

const LOAD_BYTE = 0x30;
const LOAD_WORD = 0x20;
const LOAD_WORD_FROM_INDEX = 0x40;
const LOAD_BYTE_FROM_INDEX = 0x50;
const SET_INDEX = 0x01;
const JUMP = 0x05;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const WHOLE = 0xffff_ffff;
const INSTRUCTION_SIZE = 8;
const FPROG_SIZE = 16;
const FPROG_POINTER = 8;

const code = (letter: string): number => letter.charCodeAt(0);
const word = (text: string): number => [...text].reduce((value, letter) => value * 256 + code(letter), 0);

/**
 * Loads and comparisons of `text`, from `offset` after the `@`; `miss` is how many instructions to skip when
 * it differs.
 */
function compared(text: string, offset: number, miss: (left: number) => number): Instruction[] {
  const steps: [load: number, at: number, value: number][] = [];
  for (let at = 0; at < text.length;) {
    const size = text.length - at < 4 ? 1 : 4;
    steps.push([
      size === 4 ? LOAD_WORD_FROM_INDEX : LOAD_BYTE_FROM_INDEX,
      offset + at,
      word(text.slice(at, at + size)),
    ]);
    at += size;
  }
  return steps.flatMap(([load, at, value], i): Instruction[] => [
    [load, 0, 0, at],
    [JUMP_IF_EQUAL, 0, miss(2 * (steps.length - 1 - i)), value],
  ]);
}

/** Kernels from this version on send `connected`; older ones send only `add` for a new controller. */
const SAYS_CONNECTED = "5.18";

/** A read beyond the end drops the message: none of the kernel's is that short. */
function program(release: string): readonly Instruction[] {
  const drop: Instruction = [RETURN, 0, 0, 0];
  const take: Instruction = [RETURN, 0, 0, WHOLE];
  const unwanted = UNWANTED.flatMap((text): Instruction[] => [
    // If it differs, skip the rest of the comparison and the drop.
    ...compared(text, PREFIX.length, (left) => left + 1),
    drop,
  ]);
  const prefix = compared(PREFIX, 0, (left) => left + unwanted.length);
  const body = [...prefix, ...unwanted, take];
  const find = AT_SIGNS.flatMap((at, i): Instruction[] => [
    [LOAD_BYTE, 0, 0, at],
    [JUMP_IF_EQUAL, 0, 2, code("@")],
    [SET_INDEX, 0, 0, at + 1],
    // Skip the other comparisons, and the end of the search.
    [JUMP, 0, 0, 4 * (AT_SIGNS.length - 1 - i) + 1],
  ]);
  const added: Instruction[] = [[LOAD_WORD, 0, 0, 0], [JUMP_IF_EQUAL, 0, 1, word("add@")], drop];
  return [...(isAtLeast(release, SAYS_CONNECTED) ? added : []), ...find, take, ...body];
}

/**
 * Everything works without the filter, at a higher cost, so a refusal is not an error. `release` is the
 * kernel's.
 */
export function attachUeventFilter(fd: number, release: string = Deno.osRelease()): boolean {
  const instructions = program(release);
  const text = bytes(instructions.length * INSTRUCTION_SIZE);
  const view = new DataView(text.buffer);
  for (const [i, [operation, jumpTrue, jumpFalse, operand]] of instructions.entries()) {
    view.setUint16(i * INSTRUCTION_SIZE, operation, LITTLE_ENDIAN);
    view.setUint8(i * INSTRUCTION_SIZE + 2, jumpTrue);
    view.setUint8(i * INSTRUCTION_SIZE + 3, jumpFalse);
    view.setUint32(i * INSTRUCTION_SIZE + 4, operand, LITTLE_ENDIAN);
  }
  const fprog = bytes(FPROG_SIZE);
  const head = new DataView(fprog.buffer);
  head.setUint16(0, instructions.length, LITTLE_ENDIAN);
  head.setBigUint64(FPROG_POINTER, Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)), LITTLE_ENDIAN);
  return sys.setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog) === 0;
}

/** The architectures that Deno runs on. */
const LITTLE_ENDIAN = true;
