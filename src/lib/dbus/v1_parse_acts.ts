/** Strict parsers of a daemon's answers to the acts of a person. */
import { JsonReader, type JsonResult } from "./json_reader.ts";
import { drain, head, number, tid, words } from "./v1_parse.ts";
import {
  DRAIN_RESULTS,
  DRAINED_STATES,
  FORGET_RESULTS,
  FORGOTTEN_STATES,
  RENEW_MEANS,
  RENEW_RESULTS,
  RENEWED_STATES,
  type V1DrainAnswer,
  type V1ForgetAnswer,
  type V1RenewAnswer,
  type V1ReportBegun,
} from "./v1_types.ts";

/** What became of an act. */
const outcome = <const Result extends string>(doc: JsonReader, results: readonly [Result, ...Result[]]) => ({
  ...head(doc),
  result: doc.at("result").word(...results),
  reasons: doc.at("reasons").list(words),
});

/** One of its controllers. */
const named = (one: JsonReader) => ({
  tid: tid(one.at("tid")),
  text: one.at("text").text(),
  device: one.at("device").text(),
});

export const parseDrainAnswer = (text: string): JsonResult<V1DrainAnswer> =>
  JsonReader.read("answer", text, (doc) => ({
    ...outcome(doc, DRAIN_RESULTS),
    controllers: doc.at("controllers").list((one) => ({
      ...named(one),
      becomes: one.at("becomes").word(...DRAINED_STATES),
      why: one.at("why").text(),
    })),
    again: doc.maybe("again", number) ?? null,
    drains: doc.at("drains").list(drain),
  }));

export const parseForgetAnswer = (text: string): JsonResult<V1ForgetAnswer> =>
  JsonReader.read("answer", text, (doc) => ({
    ...outcome(doc, FORGET_RESULTS),
    controllers: doc.at("controllers").list((one) => ({
      ...named(one),
      becomes: one.at("becomes").word(...FORGOTTEN_STATES),
      why: one.at("why").text(),
      listed: number(one.at("listed")),
      only: number(one.at("only")),
    })),
  }));

export const parseReportBegun = (text: string): JsonResult<V1ReportBegun> =>
  JsonReader.read("answer", text, (doc) => ({ ...head(doc), report: doc.at("report").number() }));

export const parseRenewAnswer = (text: string): JsonResult<V1RenewAnswer> =>
  JsonReader.read("answer", text, (doc) => ({
    ...outcome(doc, RENEW_RESULTS),
    warnings: doc.at("warnings").list(words),
    controllers: doc.at("controllers").list((one) => ({
      ...named(one),
      means: one.at("means").word(...RENEW_MEANS),
      is: one.at("is").word(...RENEWED_STATES),
      why: one.at("why").text(),
    })),
    again: doc.maybe("again", number) ?? null,
  }));
