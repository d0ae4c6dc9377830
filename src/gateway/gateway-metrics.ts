import type { Registry } from "prom-client";
import type { GatewayConfig } from "../api/index.ts";
import { catalogue, type Instruments, instruments, processRegistry } from "../metrics/index.ts";
import { type BlockAutocorrelation, blocksForAlarm, vectorsForBlocks } from "../monitor/index.ts";
import { splitShares } from "../registry/index.ts";
import type { FleetStep } from "./fleet-monitor.ts";
import { signals } from "./fleet-monitor.ts";
import type { PodDirectory } from "./pod-directory.ts";
import type { ProxyMeter } from "./proxied-request.ts";
import type { PoolName } from "./routing.ts";
import { type Refusal, refusals } from "./second-opinion.ts";
import { type VectorFault, vectorFaults } from "./vector-check.ts";

/** Pool of a request, and of a copy of one. */
export type MeteredPool = PoolName | "mirror";

/** What became of a copy: unjudged says nothing of the candidate, dropped was not sent. */
export type MirrorResult = (typeof mirrorResults)[number];
const mirrorResults = ["answered", "failed", "refused", "unjudged", "dropped"] as const;

/** Codes that rollouts divide. */
const dividedCodes = [200, 500, 502, 503, 504] as const;

/** The metrics of one gateway pod, by the catalogue. */
export class GatewayMetrics implements ProxyMeter {
  readonly registry: Registry = processRegistry();
  readonly #service: { namespace: string; service: string };
  readonly #gateway: Instruments<typeof catalogue.gateway>;
  readonly #monitor: Instruments<typeof catalogue.monitor>;

  /** the last block that could be measured, in ms */
  #measured: { readonly model: string; readonly end: number } | null = null;

  constructor(namespace: string, service: string) {
    this.#service = { namespace, service };
    this.#gateway = instruments(catalogue.gateway, this.registry);
    this.#monitor = instruments(catalogue.monitor, this.registry);
  }

  inFlight(pool: MeteredPool, model: string, change: 1 | -1): void {
    this.#gateway.requestsInFlight.inc({ ...this.#service, model, pool }, change);
  }

  finished(pool: MeteredPool, model: string, code: number, seconds: number): void {
    this.#gateway.requests.inc({ ...this.#service, model, pool, code });
    this.#gateway.requestDuration.observe({ ...this.#service, model, pool }, seconds);
  }

  upstreamFailed(pool: MeteredPool, model: string, reason: string): void {
    this.#gateway.upstreamErrors.inc({ ...this.#service, model, pool, reason });
  }

  protected(model: string, action: string): void {
    this.#gateway.protectedRequests.inc({ ...this.#service, model, action });
  }

  vectors(pool: MeteredPool, model: string, count: number): void {
    this.#gateway.vectors.inc({ ...this.#service, model, pool }, count);
  }

  /** @param count  null when it is not known */
  documents(model: string, count: number | null): void {
    if (count === null) this.#gateway.uncountedDocuments.inc({ ...this.#service, model });
    else this.#gateway.documents.inc({ ...this.#service, model }, count);
  }

  invalid(pool: MeteredPool, model: string, reason: VectorFault): void {
    this.#gateway.invalidVectors.inc({ ...this.#service, model, pool, reason });
  }

  unparsed(pool: MeteredPool, model: string, reason: string): void {
    this.#gateway.unparsed.inc({ ...this.#service, model, pool, reason });
  }

  /** Vectors by what the statistics did with them. */
  taken(model: string, result: "counted" | "dropped" | "bypassed", count: number): void {
    this.#monitor.vectors.inc({ ...this.#service, model, result }, count);
  }

  consistency(pool: PoolName, model: string, scored: number, flagged: number): void {
    this.#monitor.consistencyScored.inc({ ...this.#service, model, pool }, scored);
    this.#monitor.consistencyFlagged.inc({ ...this.#service, model, pool }, flagged);
  }

  outlier(model: string): void {
    this.#monitor.outliers.inc({ ...this.#service, model });
  }

  mirrored(model: string, result: MirrorResult): void {
    this.#gateway.mirroredRequests.inc({ ...this.#service, model, result });
  }

  mirrorCosine(model: string, cosine: number): void {
    this.#gateway.mirrorCosine.observe({ ...this.#service, model }, Math.max(0, cosine));
  }

  refused(model: string, result: Refusal): void {
    this.#gateway.refusedRequests.inc({ ...this.#service, model, result });
  }

  captured(result: "stored" | "dropped" | "failed", count: number): void {
    this.#gateway.capturedSamples.inc({ ...this.#service, result }, count);
  }

  /** @param notAfter  of the one that is shown from now on */
  certificate(result: "loaded" | "failed", notAfter?: Date): void {
    this.#gateway.certificateLoads.inc({ ...this.#service, result });
    if (notAfter) this.#gateway.certificateNotAfter.set(this.#service, notAfter.getTime() / 1000);
  }

  configured({ generation, routing, protection }: GatewayConfig): void {
    this.#gateway.routingGeneration.set(this.#service, generation);
    this.#gateway.protectionActive.set(this.#service, protection.active ? 1 : 0);
    this.#gateway.weight.reset();
    const { stable, candidate } = routing;
    const weight = (candidate?.weight ?? 0) / 100;
    this.#gateway.weight.set({ ...this.#service, model: stable.digest, pool: "stable" }, 1 - weight);
    if (candidate) this.#gateway.weight.set({ ...this.#service, model: candidate.digest, pool: "candidate" }, weight);
    this.#countFromZero(stable.digest, ["stable"]);
    if (candidate) this.#countCandidateFromZero(candidate.digest);
  }

  /**
   * A series that begins with its first failures shows no increase, so that a rollout would not see them; one that begins
   * with its first successes makes the share of failures too large.
   */
  #countFromZero(model: string, pools: readonly MeteredPool[]): void {
    const { requests, vectors, invalidVectors } = this.#gateway;
    for (const pool of pools) {
      const labels = { ...this.#service, model, pool };
      for (const code of dividedCodes) requests.inc({ ...labels, code }, 0);
      for (const reason of vectorFaults) invalidVectors.inc({ ...labels, reason }, 0);
      vectors.inc(labels, 0);
    }
  }

  #countCandidateFromZero(model: string): void {
    const { mirroredRequests, refusedRequests } = this.#gateway;
    // It will be stable, and is watched as such.
    this.#countFromZero(model, ["candidate", "mirror", "stable"]);
    for (const result of mirrorResults) mirroredRequests.inc({ ...this.#service, model, result }, 0);
    for (const result of refusals) refusedRequests.inc({ ...this.#service, model, result }, 0);
  }

  pods(pools: readonly (readonly [PoolName, string])[], directory: PodDirectory): void {
    const { readyPods, probedPods, probeMatchedPods, probeDistance } = this.#gateway;
    for (const gauge of [readyPods, probedPods, probeMatchedPods, probeDistance]) gauge.reset();
    for (const [pool, model] of pools) {
      const labels = { ...this.#service, model, pool };
      const compared = directory
        .entries()
        .filter(({ identity }) => identity.ready && identity.digest === model)
        .flatMap(({ probe }) => (probe.kind === "Matched" || probe.kind === "Mismatched" ? [probe] : []));
      readyPods.set(labels, directory.admitted(model).length);
      probedPods.set(labels, compared.length);
      probeMatchedPods.set(labels, compared.filter(({ kind }) => kind === "Matched").length);
      if (compared.length > 0) {
        probeDistance.set(labels, Math.max(...compared.map(({ comparison }) => comparison.distance)));
      }
    }
  }

  /** What the lease holder's last block said; only what has been persisted. */
  stepped(step: FleetStep, facts: { threshold: number; minShare: number; blockEnd: number; p: number | null }): void {
    const { model } = step.state;
    const labels = { ...this.#service, model };
    this.#monitor.blocks.inc({ ...labels, result: step.result });
    this.#clearSignals();
    for (const name of signals) {
      const { learning, alarm, evidence, effect, samples, referenceBlocks, mostEvidence } = step.readings[name];
      const own = { ...labels, signal: name };
      this.#monitor.alarm.set(own, alarm.active ? 1 : 0);
      this.#monitor.alarmNumber.set(own, alarm.number);
      this.#monitor.learning.set(own, learning ? 1 : 0);
      this.#monitor.samples.set(own, samples);
      if (effect !== null) this.#monitor.effectSize.set(own, effect);
      if (referenceBlocks !== null) this.#monitor.referenceBlocks.set(own, referenceBlocks);
      if (mostEvidence !== null) {
        this.#monitor.log10Reachable.set(own, Math.log10(mostEvidence));
        this.#monitor.neededInputs.set(own, neededInputs(facts.threshold));
      }
      if (evidence !== null) {
        this.#monitor.log10Evalue.set(own, Math.log10(Math.max(evidence, 1e-12)));
        this.#monitor.log10Threshold.set(own, Math.log10(facts.threshold));
      }
    }
    if (facts.p !== null) this.#monitor.pValue.set({ ...labels, signal: "RepresentationDrift" }, facts.p);
    if (step.flaggedShare !== null) this.#monitor.flaggedShareLowerBound.set(labels, step.flaggedShare);
    this.#monitor.flaggedShareThreshold.set(labels, facts.minShare);
    // Blocks without enough vectors are no data: they leave the time where it was, and the signals go stale.
    if (step.result === "bet" || step.result === "learning") this.#measured = { model, end: facts.blockEnd };
    if (this.#measured?.model === model) this.#monitor.lastBlock.set(labels, this.#measured.end / 1000);
  }

  correlated(measured: BlockAutocorrelation | null): void {
    this.#monitor.blockAutocorrelation.reset();
    if (measured) this.#monitor.blockAutocorrelation.set(this.#service, measured.value);
  }

  lateBlocks(model: string, count: number): void {
    this.#monitor.blocks.inc({ ...this.#service, model, result: "late" }, count);
  }

  /** Another gateway speaks for the fleet now. */
  followed(): void {
    this.#measured = null;
    this.#monitor.blockAutocorrelation.reset();
    this.#clearSignals();
  }

  #clearSignals(): void {
    const { alarm, alarmNumber, learning, log10Evalue, log10Threshold, effectSize, pValue, samples } = this.#monitor;
    const { referenceBlocks, lastBlock, flaggedShareLowerBound, flaggedShareThreshold } = this.#monitor;
    const { log10Reachable, neededInputs: needed } = this.#monitor;
    for (const gauge of [alarm, alarmNumber, learning, log10Evalue, log10Threshold, effectSize, pValue, samples]) {
      gauge.reset();
    }
    for (const gauge of [referenceBlocks, lastBlock, flaggedShareLowerBound, flaggedShareThreshold]) gauge.reset();
    for (const gauge of [log10Reachable, needed]) gauge.reset();
  }
}

/** Only the calibration split of a reference dataset is compared with. */
function neededInputs(threshold: number): number {
  return Math.ceil(vectorsForBlocks(blocksForAlarm(threshold)) / splitShares.calibration);
}
