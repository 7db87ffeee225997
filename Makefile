# The two commands of the README: `make demo` and `make test`. Everything they need is set up here.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)

# Compiler output is cached between builds and checkouts; without a home there is still a cache.
export CCACHE_DIR ?= $(if $(HOME),$(HOME)/.cache/ccache,$(CURDIR)/build/ccache)
export CCACHE_SLOPPINESS ?= time_macros
export CCACHE_NOHASHDIR ?= 1
export CCACHE_BASEDIR ?= $(CURDIR)

.PHONY: help setup demo test test-integration test-dev test-asan test-tsan test-facades check format format-check tidy tree fuzz clean build

help:
	@sed -n 's/^## //p' Makefile

## make demo       set up, build, start a server and show personal windows on a real shop's year (DATA=file, DEMO_EXIT=1)
demo: setup-build
	@$(MAKE) --no-print-directory build
	@tools/demo

## make test       set up, build and run all tests: the whole server, and the unit tests under AddressSanitizer and UBSan
test: setup-build tree
	@$(MAKE) --no-print-directory test-integration
	@$(MAKE) --no-print-directory test-asan

# Building the unit tests twice would cost a third of the time and find nothing more.
test-integration:
	@cmake --preset dev >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build build/dev -j $(JOBS) --target vitrine vitrine_integration_test vitrine_kill_test
	@ctest --preset dev -j $(JOBS) -R '^integration\.'

## make test-dev   all tests without sanitizers: the quickest while developing

## make test-facades the client libraries of Segment and Gorse, from npm, against the optimised program
test-facades: setup-build
	@command -v node >/dev/null && command -v npm >/dev/null || tools/setup --facades
	@$(MAKE) --no-print-directory build
	@tests/facades/run build/release/apps/vitrine/vitrine

## make check      everything: format, tree, lint, all tests and, where there is node, other systems' client libraries
check: setup-check format-check tree tidy test
	@if command -v node >/dev/null && command -v npm >/dev/null; then $(MAKE) --no-print-directory test-facades; \
	  else echo "check: no node, so test-facades is left out (tools/setup --facades installs it)"; fi

## make build      the product, optimised: build/release/apps/vitrine/vitrine
build: setup-build
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build build/release -j $(JOBS) --target vitrine

## make bench-NAME set up, build and run benchmark NAME: collect recommend crash quality shop backup vec text train search ials models abuse
bench-%: setup-bench
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build build/release -j $(JOBS) --target vitrine bench_$* >build-bench.log 2>&1 || { cat build-bench.log; exit 1; }; rm -f build-bench.log
	@build/release/bench/bench_$* $(BENCH_ARGS)

test-dev test-asan test-tsan: test-%:
	@cmake --preset $* >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build build/$* -j $(JOBS)
	@ctest --preset $* -j $(JOBS)

setup: setup-build
setup-build:
	@tools/setup
setup-check:
	@tools/setup --check
setup-bench:
	@tools/setup --bench

tree:
	@python3 tools/check_tree.py --self-test
	@python3 tools/check_tree.py
	@python3 tools/check_docs.py --self-test
	@python3 tools/check_docs.py

SOURCES = $(shell git ls-files '*.h' '*.cc')
## make format     format every source file
format:
	@clang-format-14 -i $(SOURCES)
format-check:
	@clang-format-14 --dry-run --Werror $(SOURCES) && echo "format: all files are formatted"

# Nothing is compiled for it: the linter only needs to know how it would be.
tidy: setup-check
	@cmake --preset tidy >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@run-clang-tidy-14 -p build/tidy -quiet -j $(JOBS) >build/tidy/lint.log 2>&1 || \
	  { grep -E -A4 '(error|warning):' build/tidy/lint.log || tail -n 20 build/tidy/lint.log; exit 1; }
	@echo "tidy: nothing found"

## make fuzz       run every fuzzer for FUZZ_SECONDS (default 60) with libFuzzer
FUZZ_SECONDS ?= 60
fuzz: setup-check
	@cmake --preset fuzz >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build build/fuzz -j $(JOBS)
	@set -e; for f in $$(find build/fuzz -name '*_fuzz' -type f -executable); do echo "== $$f"; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 $$(find src -path "*/corpus/$$(basename $$f)" -type d); done

## make clean      remove everything that was built
clean:
	@rm -rf build
