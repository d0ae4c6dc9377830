export { canonical, type Entry, type Fact, genesis, type Head, link, sha256 } from "./entry.ts";
export { type Appended, appendTo, parseLines, SegmentError, segmentBytes, toLines } from "./segment.ts";
export { type Verification, verifyChain } from "./verify.ts";
