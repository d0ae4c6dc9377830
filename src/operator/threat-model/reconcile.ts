import { done, type Requeue } from "../../kube/index.ts";
import type { Turn } from "../ports.ts";
import { saveStatus } from "../save.ts";
import { decide } from "./decide.ts";

export async function reconcile(turn: Turn): Promise<Requeue> {
  const threatModel = turn.caches.threatModels.get(turn.key);
  if (threatModel) await saveStatus(turn, turn.caches.threatModels, threatModel, decide(threatModel, turn.clock.now()));
  return done;
}
