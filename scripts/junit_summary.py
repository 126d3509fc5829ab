#!/usr/bin/env python3
"""`junit_summary.py REPORT EXIT_CODE` prints "PASSED FAILED", and what failed and why on stderr.

A suite that crashed, ran nothing, or ended badly without naming a failure counts as one failed test: silence is no success.
"""
import sys
import xml.etree.ElementTree as xml


def main() -> None:
    report, exit_code = sys.argv[1], int(sys.argv[2])
    try:
        cases = list(xml.parse(report).iter("testcase"))
    except (OSError, xml.ParseError) as error:
        print(f"  no readable report (exit code {exit_code}): {error}", file=sys.stderr)
        print(0, 1)
        return
    passed = failed = 0
    for case in cases:
        if (skipped := case.find("skipped")) is not None:
            why = skipped.get("message") or "no reason given"
            print(f"  skipped {case.get('classname', '')} {case.get('name')}: {why[:200]}", file=sys.stderr)
            continue
        faults = case.findall("failure") + case.findall("error")
        if not faults:
            passed += 1
            continue
        failed += 1
        print(f"  FAILED {case.get('classname', '')} {case.get('name')}", file=sys.stderr)
        for fault in faults[:3]:
            # What was expected, and the end of what led to it: reports can be longer than anybody reads.
            for line in (fault.get("message") or "").splitlines()[:12] + (fault.text or "").strip().splitlines()[-25:]:
                print(f"      {line[:300]}", file=sys.stderr)
    if failed == 0 and (exit_code != 0 or passed == 0):
        print(f"  the suite ended with code {exit_code} after {passed} tests that passed", file=sys.stderr)
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
