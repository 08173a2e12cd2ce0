"""Hold docker-compose.yml to the compose schema and to our list of services, secrets and health checks.

python -m tools.compose
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from tools.printing import ROOT

FILE: Final = ROOT / "docker-compose.yml"
BROKER: Final = {"broker_url", "broker_certificate"}
EVERY_PROGRAM: Final = {"web_database_password", "database_ca", "secret_key"} | BROKER
# Each service and the secrets it is given: these and no others.
SERVICES: Final[dict[str, set[str]]] = {
    "database": {
        "owner_database_password",
        "web_database_password",
        "vault_database_password",
        "database_key",
        "database_certificate",
    },
    "broker": {"broker_config", "broker_key", "broker_certificate"},
    "migrate": {"owner_database_password", "database_ca", "secret_key"} | BROKER,
    "web": EVERY_PROGRAM,
    "sftp": EVERY_PROGRAM | {"sftp_host_key"},
    "worker": EVERY_PROGRAM | {"seal_key", "seal_certificate"},
    "vault": (EVERY_PROGRAM - {"web_database_password"}) | {"vault_database_password", "transit_token"},
    "beat": EVERY_PROGRAM,
    "scanner": set(),
}
# Each service and the networks it is on: these and no others.
NETWORKS: Final[dict[str, set[str]]] = {
    "database": {"inside"},
    "broker": {"inside"},
    "migrate": {"inside"},
    "web": {"pages", "inside"},
    "sftp": {"machines", "inside"},
    "worker": {"inside", "mail"},
    "vault": {"inside", "scanning", "keys"},
    "beat": {"inside"},
    "scanner": {"scanning", "signatures"},
}
LEAD_OUT: Final = {"mail", "signatures", "keys"}  # to one place each, which the State's firewall names
HIDES_SENDERS: Final = "com.docker.network.bridge.enable_ip_masquerade"
RUN_ONCE: Final = {"migrate"}
PROGRAMS: Final = {"web", "sftp", "worker", "vault", "beat"}
REACHED: Final = {"web", "sftp"}  # from outside
ONLY_THE_VAULT: Final = {"vault-keys", "keystore", "key-snapshots"}  # what opens sealed files
A_SECRET: Final = ("PASSWORD", "SECRET", "SEAL_KEY", "HOST_KEY", "BROKER_URL", "TOKEN")


def troubles(text: str) -> list[str]:
    """Return all that is wrong with a compose file."""
    compose = yaml.safe_load(text)
    services: dict[str, Any] = compose.get("services", {})
    found = []
    if set(services) != set(SERVICES):
        found.append(f"The services are {sorted(services)}, not {sorted(SERVICES)}.")
    for name in sorted(set(services) & set(SERVICES)):
        found += [f"{name}: {why}" for why in _service(name, services[name])]
    declared = set(compose.get("secrets", {}))
    if declared != (wanted := set().union(*SERVICES.values())):
        found.append(f"Declared and wanted secrets differ: {sorted(declared ^ wanted)}.")
    return found + _ways_out(compose.get("networks", {}))


def _ways_out(networks: dict[str, Any]) -> list[str]:
    """Nothing leads out but what is known to (C28)."""
    found = []
    if set(networks) != (known := set().union(*NETWORKS.values())):
        found.append(f"Declared and known networks differ: {sorted(set(networks) ^ known)}.")
    for name in sorted(set(networks) - LEAD_OUT):
        network = networks[name] or {}
        one_way = str(network.get("driver_opts", {}).get(HIDES_SENDERS, "true")).lower() == "false"
        if name in ("inside", "scanning") and network.get("internal") is not True:
            found.append(f"The network “{name}” must be internal.")
        elif network.get("internal") is not True and not one_way:
            found.append(f"The network “{name}” leads out: it must be internal, or hide no sender.")
    return found


def _service(name: str, service: dict[str, Any]) -> list[str]:
    found = []
    given = set(service.get("secrets", []))
    if given != SERVICES[name]:
        found.append(f"its secrets are {sorted(given)}, not {sorted(SERVICES[name])}.")
    if (on := set(service.get("networks", []))) != NETWORKS[name]:
        found.append(f"its networks are {sorted(on)}, not {sorted(NETWORKS[name])}.")
    if "network_mode" in service:
        found.append("it may not choose another kind of network.")
    if name not in RUN_ONCE and not service.get("healthcheck", {}).get("test"):
        found.append("it has no health check.")
    if ":" not in service["image"] or service["image"].endswith(":latest"):
        found.append("its image names no version.")
    if name not in REACHED and service.get("ports"):
        found.append("only web and sftp may be reached from outside.")
    if name in PROGRAMS | RUN_ONCE:
        found += _hardening(service)
    if name == "scanner" and not any(str(place).startswith("/tmp") for place in service.get("tmpfs", [])):  # noqa: S108
        found.append("what it scans must lie in memory: /tmp as tmpfs.")
    volumes = {str(volume).partition(":")[0] for volume in service.get("volumes", [])}
    if name != "vault" and volumes & ONLY_THE_VAULT:
        found.append("only the vault may hold what opens sealed files.")
    return found + _values(service)


def _hardening(service: dict[str, Any]) -> list[str]:
    found = []
    if service.get("read_only") is not True:
        found.append("its file system must be read-only.")
    if service.get("cap_drop") != ["ALL"]:
        found.append("it must drop all capabilities.")
    if "no-new-privileges:true" not in service.get("security_opt", []):
        found.append("it must not gain privileges.")
    return found


def _values(service: dict[str, Any]) -> list[str]:
    """Secrets stand in files: a setting that is one may only name a place."""
    return [
        f"{name} must name a file under /run/secrets."
        for name, value in service.get("environment", {}).items()
        if any(word in name for word in A_SECRET) and not str(value).startswith("/run/secrets/")
    ]


def _run(argv: list[str]) -> list[str]:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def _schema() -> list[str]:
    checker = str(Path(sys.executable).parent / "check-jsonschema")
    return _run([checker, "--builtin-schema", "vendor.compose-spec", str(FILE)])


def _docker() -> list[str]:
    """Ask docker itself, where its plugin is installed."""
    docker = shutil.which("docker")
    if not docker or _run([docker, "compose", "version"]):
        return []
    return _run(
        [
            "env",
            "PORTAL_HOST=p20win.example.org",
            "P20WIN_KEY_SERVICE=vault",
            docker,
            "compose",
            "config",
            "--quiet",
        ]
    )


def main() -> int:
    """Say what is wrong; exit 1 if anything is."""
    found = [*_schema(), *troubles(FILE.read_text(encoding="utf-8")), *_docker()]
    sys.stderr.write("".join(f"{trouble}\n" for trouble in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
