"""What schemas cannot tell of the manifests: that their parts fit together, and
that the container may do as little as it can."""
import sys

import yaml

import crds

objects = [found for name in sys.argv[1:] for found in yaml.safe_load_all(open(name)) if found]
wrong = []


def every(kind):
    return [one for one in objects if one["kind"] == kind]


def check(fact, words):
    if not fact:
        wrong.append(words)


for deployment in every("Deployment"):
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = container["securityContext"]
    check(pod["securityContext"]["runAsNonRoot"], "runs as root")
    check(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "system calls are not filtered")
    check(security["readOnlyRootFilesystem"], "the root can be written")
    check(not security["allowPrivilegeEscalation"], "privileges can be gained")
    check(security["capabilities"] == {"drop": ["ALL"]}, "capabilities are held")
    check(pod["automountServiceAccountToken"] is False, "a token of the cluster is mounted")
    check("memory" in container["resources"]["limits"], "memory is not limited")
    environment = {one["name"]: one.get("value") for one in container["env"]}
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    check("M365MON_WEB_OPERATOR_FILE" in environment or environment.get("STATE_DIRECTORY") in writable, "nowhere can a key of operators be made")
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    check(volumes == mounts, f"volumes {volumes} and mounts {mounts}")
    ports = {port["name"] for port in container["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        check(container[probe]["httpGet"]["port"] in ports, f"{probe} asks no port of the container")
    for volume in pod["volumes"]:
        if "configMap" in volume:
            names = {one["metadata"]["name"] for one in every("ConfigMap")}
            check(not names or volume["configMap"]["name"] in names, f"no ConfigMap {volume['configMap']['name']}")
        if "persistentVolumeClaim" in volume:
            names = {one["metadata"]["name"] for one in every("PersistentVolumeClaim")}
            check(not names or volume["persistentVolumeClaim"]["claimName"] in names, "no such claim")
    for service in every("Service"):
        for port in service["spec"]["ports"]:
            check(port["targetPort"] in ports, "the Service leads to no port")
        labels = deployment["spec"]["template"].get("metadata", {}).get("labels", {})
        selector = service["spec"].get("selector", {})
        check(selector.items() <= labels.items(), "the Service selects other pods")
for monitor in every("ServiceMonitor"):
    for service in every("Service"):
        named = {port["name"] for port in service["spec"]["ports"]}
        check(all(one["port"] in named for one in monitor["spec"]["endpoints"]), "the ServiceMonitor asks no port of the Service")
        wanted = monitor["spec"]["selector"]["matchLabels"]
        check(wanted.items() <= service["metadata"]["labels"].items(), "the ServiceMonitor selects another Service")
check(every("Deployment"), "no Deployment")
for one in objects:
    if crds.knows(one):
        wrong += crds.complaints(one)
sys.exit("\n".join(f"packaging: {words}" for words in wrong) if wrong else 0)
