#!/bin/bash
# Runs every fuzz target of the module with the given number of inputs (default
# 10000x) or for the given time each.
# Minimising is cut short: it would take most of so short a run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fuzz_time=${1:-10000x}

go list -f '{{.Dir}}' ./... | while read -r dir; do
	# A package may have no tests, and tests no fuzz target.
	targets=$(grep -hos '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -d' ' -f2 || true)
	for target in $targets; do
		echo "fuzz: $target in ${dir#"$PWD"/}"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzz_time" -fuzzminimizetime 20x "$dir" </dev/null
	done
done
