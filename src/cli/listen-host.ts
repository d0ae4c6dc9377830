/**
 * Where a server listens: in a pod on every address, so that `kubectl port-forward` reaches it as well as other pods do;
 * on loopback elsewhere. A pod that shares the machine's loopback network keeps to the address it was given there.
 */
export function listenHost(podIp: string | undefined = process.env["POD_IP"]): string {
  if (!podIp) return "127.0.0.1";
  if (podIp.startsWith("127.")) return podIp;
  return podIp.includes(":") ? "::" : "0.0.0.0";
}
