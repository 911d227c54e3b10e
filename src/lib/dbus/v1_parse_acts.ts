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

export const parseDrainAnswer = (text: string): JsonResult<V1DrainAnswer> =>
  JsonReader.read("answer", text, (doc) => ({
    ...head(doc),
    result: doc.at("result").word(...DRAIN_RESULTS),
    reasons: doc.at("reasons").list(words),
    controllers: doc.at("controllers").list((one) => ({
      tid: tid(one.at("tid")),
      text: one.at("text").text(),
      device: one.at("device").text(),
      becomes: one.at("becomes").word(...DRAINED_STATES),
      why: one.at("why").text(),
    })),
    again: doc.maybe("again", number) ?? null,
    drains: doc.at("drains").list(drain),
  }));

export const parseForgetAnswer = (text: string): JsonResult<V1ForgetAnswer> =>
  JsonReader.read("answer", text, (doc) => ({
    ...head(doc),
    result: doc.at("result").word(...FORGET_RESULTS),
    reasons: doc.at("reasons").list(words),
    controllers: doc.at("controllers").list((one) => ({
      tid: tid(one.at("tid")),
      text: one.at("text").text(),
      device: one.at("device").text(),
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
    ...head(doc),
    result: doc.at("result").word(...RENEW_RESULTS),
    reasons: doc.at("reasons").list(words),
    warnings: doc.at("warnings").list(words),
    controllers: doc.at("controllers").list((one) => ({
      tid: tid(one.at("tid")),
      text: one.at("text").text(),
      device: one.at("device").text(),
      means: one.at("means").word(...RENEW_MEANS),
      is: one.at("is").word(...RENEWED_STATES),
      why: one.at("why").text(),
    })),
    again: doc.maybe("again", number) ?? null,
  }));
