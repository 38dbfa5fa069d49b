"""Looks the installed packages up among the known vulnerabilities: `python tests/audit.py`, part of `make lint`.

Without a way to the database it says so and lets the build go on.
"""

import json
import subprocess
import sys

SECONDS = 120


def main() -> int:
    """0 if nothing is known against any package, or if the database cannot be asked."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--timeout", "5"], capture_output=True, text=True, timeout=SECONDS
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("Dependency audit: skipped, the database of vulnerabilities cannot be reached from here.")
        return 0
    audited = [each for each in found if "skip_reason" not in each]
    if not audited:
        print("Dependency audit: skipped, the database of vulnerabilities cannot be reached from here.")
        return 0
    known = [(each, vulnerability) for each in audited for vulnerability in each["vulns"]]
    for each, vulnerability in known:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{each['name']} {each['version']}: {vulnerability['id']}, mended in {fixed}.")
    print(f"Dependency audit: {len(audited)} of {len(found)} packages looked up, {len(known)} known vulnerabilities.")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
