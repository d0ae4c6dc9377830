import type { Container, ContainerStatus, Pod, PodStatus } from "./pod.ts";

/** Where a container stands. `finished` is true once it will not be started again. */
export interface ContainerView {
  readonly container: Container;
  readonly state: NonNullable<ContainerStatus["state"]>;
  readonly lastState: NonNullable<ContainerStatus["state"]>;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly finished: boolean;
  readonly id: string;
}

export interface PodView {
  readonly pod: Pod;
  readonly podIP: string;
  readonly hostIP: string;
  readonly startTime: string;
  readonly volumesReady: boolean;
  readonly init: readonly ContainerView[];
  readonly main: readonly ContainerView[];
  /** The node is ending the pod, so what has ended stays ended. */
  readonly ending: boolean;
  /** Why the node ends the pod, such as DeadlineExceeded. */
  readonly failure: { readonly reason: string; readonly message: string } | null;
}

type Condition = NonNullable<PodStatus["conditions"]>[number];

/**
 * The status that a kubelet would report. Pure; PodScheduled stays the scheduler's, readiness gates are read from the
 * pod.
 *
 * @param before  conditions reported last, for their transition times
 */
export function statusOf(view: PodView, before: readonly Condition[], now: string): PodStatus {
  const phase = phaseOf(view);
  const done = phase === "Succeeded" || phase === "Failed";
  const initialized = view.init.every(({ state }) => state.terminated?.exitCode === 0);
  const unready = view.main.filter(({ ready }) => !ready).map(({ container }) => container.name);
  const containersReady = !done && initialized && unready.length === 0;
  const gatesOpen = (view.pod.spec?.readinessGates ?? []).every(({ conditionType }) =>
    view.pod.status?.conditions?.some(({ type, status }) => type === conditionType && status === "True"),
  );
  const generation = view.pod.metadata?.generation;
  const condition = (type: string, holds: boolean, otherwise?: { reason: string; message?: string }): Condition => {
    const status = holds ? "True" : "False";
    const old = before.find((candidate) => candidate.type === type);
    return {
      type,
      status,
      lastTransitionTime: old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : now,
      ...(generation !== undefined && { observedGeneration: generation }),
      ...(!holds && otherwise),
    };
  };
  const why = done
    ? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" }
    : { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  return {
    phase,
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(view.failure && phase === "Failed" && view.failure),
    startTime: view.startTime,
    hostIP: view.hostIP,
    hostIPs: [{ ip: view.hostIP }],
    ...(view.volumesReady && { podIP: view.podIP, podIPs: [{ ip: view.podIP }] }),
    conditions: [
      condition("PodReadyToStartContainers", view.volumesReady && !done),
      condition("Initialized", initialized, { reason: "ContainersNotInitialized" }),
      condition("ContainersReady", containersReady, why),
      condition("Ready", containersReady && gatesOpen, containersReady ? { reason: "ReadinessGatesNotReady" } : why),
    ],
    ...(view.init.length > 0 && { initContainerStatuses: view.init.map(containerStatusOf) }),
    containerStatuses: view.main.map(containerStatusOf),
  };
}

/** Pending, Running, Succeeded or Failed, by the kubelet's rules. */
export function phaseOf({ init, main, ending, failure }: PodView): "Pending" | "Running" | "Succeeded" | "Failed" {
  const failed = ({ state }: ContainerView) => (state.terminated ? state.terminated.exitCode !== 0 : false);
  const over = (container: ContainerView) => (container.finished || ending) && !container.state.running;
  const initFailed = init.some((container) => over(container) && failed(container));
  if (main.every(over) && (init.every(over) || initFailed)) {
    if (failure) return "Failed";
    return main.every(({ state }) => state.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
  }
  if (initFailed && !ending) return "Failed";
  const neverStarted = ({ state, lastState }: ContainerView) => state.waiting !== undefined && !lastState.terminated;
  return main.some(neverStarted) ? "Pending" : "Running";
}

function containerStatusOf(view: ContainerView): ContainerStatus {
  const { container, state, lastState, ready, started, restartCount, id } = view;
  const image = container.image ?? "";
  return {
    name: container.name,
    image,
    imageID: state.waiting && restartCount === 0 ? "" : `harness://${image}`,
    ready,
    started,
    restartCount,
    state,
    lastState,
    ...(id && { containerID: `harness://${id}` }),
  };
}
