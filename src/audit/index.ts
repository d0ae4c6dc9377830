export { canonical, type Entry, entry, type Fact, genesis, type Head, hashOf, link, sha256 } from "./entry.ts";
export { type Appended, appendTo, parseLines, SegmentError, segmentBytes, toLines } from "./segment.ts";
export { type Verification, verifyChain } from "./verify.ts";
