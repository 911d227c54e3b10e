/**
 * Turns the kernel's events of NVMe controllers into {@link KernelEvent}s: a device is read from sysfs once
 * for all events that came together, and never reported after its `removed`.
 */
import { parseAen } from "../nvme/aen.ts";
import type { Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { parseUevent, type Uevent } from "../nvme/uevent.ts";
import type { KernelEvent } from "../ports.ts";
import { isController } from "./sysfs.ts";
import type { UeventSink } from "./uevents.ts";

type Cause = Extract<KernelEvent, { type: "device" }>["cause"];

/**
 * News of one device that has not been reported yet. Object identity distinguishes it from news of a device
 * removed meanwhile.
 */
interface News {
  readonly device: string;
  causes: Set<Cause>;
  aens: Set<number>;
  reading: boolean;
}

export class DeviceEvents implements UeventSink {
  readonly #read: (device: string) => Promise<Outcome<KernelCtrl>>;
  readonly #incarnation: (device: string) => number | undefined;
  readonly #emit: (event: KernelEvent) => void;
  readonly #news = new Map<string, News>();
  #lastConnected: { readonly device: string; readonly read: Promise<Outcome<KernelCtrl>> } | undefined;
  #closed = false;

  constructor(
    read: (device: string) => Promise<Outcome<KernelCtrl>>,
    incarnation: (device: string) => number | undefined,
    emit: (event: KernelEvent) => void,
  ) {
    this.#read = read;
    this.#incarnation = incarnation;
    this.#emit = emit;
  }

  /** The attributes read when this device was connected, if no other device has had its name since. */
  async lastConnected(device: string): Promise<KernelCtrl | undefined> {
    if (this.#lastConnected?.device !== device) return undefined;
    const outcome = await this.#lastConnected.read;
    return outcome.ok ? outcome.value : undefined;
  }

  message(payload: Uint8Array<ArrayBuffer>): void {
    const parsed = parseUevent(payload);
    if (!parsed.ok || parsed.value.subsystem !== "nvme") return;
    const device = parsed.value.devpath.slice(parsed.value.devpath.lastIndexOf("/") + 1);
    if (!isController(device)) return;
    if (parsed.value.action === "remove") {
      // Reads still under way concern the past, or the next device with this number.
      this.#news.delete(device);
      // The kernel releases the name before it reports the removal: a device that has it now is the next one.
      this.#emit({ type: "removed", device, now: this.#incarnation(device) });
      return;
    }
    const news = this.#news.get(device) ?? { device, causes: new Set(), aens: new Set(), reading: false };
    note(news, parsed.value);
    if (news.causes.size + news.aens.size > 0) this.#news.set(device, news);
  }

  drained(complete: boolean): void {
    if (!complete) this.#emit({ type: "overflow" });
    for (const news of this.#news.values()) {
      if (!news.reading) void this.#tell(news);
    }
  }

  close(): void {
    this.#closed = true;
    this.#news.clear();
  }

  async #tell(news: News): Promise<void> {
    news.reading = true;
    while (this.#isCurrent(news) && news.causes.size + news.aens.size > 0) {
      const { causes, aens } = news;
      news.causes = new Set();
      news.aens = new Set();
      const reading = causes.size === 0 ? undefined : this.#read(news.device);
      if (reading !== undefined && causes.has("connected")) {
        this.#lastConnected = { device: news.device, read: reading };
      }
      const read = reading === undefined ? undefined : await reading;
      if (!this.#isCurrent(news)) return;
      if (read?.ok === true) {
        for (const cause of causes) this.#emit({ type: "device", cause, ctrl: read.value });
      } else if (read !== undefined && read.failure.kind !== "gone") {
        // The device has changed but cannot be read: treated like a lost event.
        this.#emit({ type: "overflow" });
      }
      for (const value of aens) this.#emit({ type: "aen", device: news.device, value });
    }
    news.reading = false;
    if (this.#isCurrent(news)) this.#news.delete(news.device);
  }

  #isCurrent(news: News): boolean {
    return !this.#closed && this.#news.get(news.device) === news;
  }
}

function note(news: News, { action, properties }: Uevent): void {
  if (action === "add") news.causes.add("add");
  if (action !== "change") return;
  const aen = properties.get("NVME_AEN");
  const event = properties.get("NVME_EVENT");
  const value = aen === undefined ? undefined : parseAen(aen);
  if (value !== undefined) news.aens.add(value);
  if (event === "connected" || event === "rediscover") news.causes.add(event);
  else if (aen === undefined) news.causes.add("change");
}
