/** What a recording takes from the spelling of its names: the core has to play it. */
export { namesOf } from "./lib/daemon/record/names.ts";
