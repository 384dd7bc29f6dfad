# SPDX-License-Identifier: GPL-2.0-only
# The front door. `make help` lists what there is.

BUILD := build
LAB   := $(BUILD)/nfsrdma-lab
# Of the lab's own: what test-debug and test-failures run on.
KERNEL := debug

.DEFAULT_GOAL := help
.PHONY: demo bench experiment test unit model vm-test test-all test-debug test-failures test-kcsan conform conformance lab image lab-module doctor setup clean help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: lab-module ## from nothing to NFS/RDMA between two VMs, measured
	$(LAB) run tests/workloads/demo.toml

bench: lab-module ## our transport against the kernel's own, and both against the goals
	$(LAB) run tests/workloads/bench.toml

experiment: lab-module ## what a slow unmap costs under each release policy, drawn
	$(LAB) run tests/workloads/experiment.toml

test: unit model fuzz-check vm-test ## all tests but the longest: unit, model, fuzz-check, vm-test

unit: lab ## the tests that need no VM
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -L unit

model: setup ## check the release path and the credits with Spin
	$(MAKE) --no-print-directory -C tests/model OUT=$(CURDIR)/$(BUILD)/model check

vm-test: lab-module ## the tests in VMs, on every kernel of the image
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure --parallel 2 -L vm

test-debug: image ## those in VMs with KASAN, lockdep and kmemleak (an hour and a quarter, and 20 minutes for the kernel, once; KERNEL=debug-backports for the newest)
	$(LAB) kernel build $(KERNEL)
	$(LAB) module build --kernel $(KERNEL)
	cmake --build $(BUILD) --target vm-tests debug-tests
	$(BUILD)/tests/vm/vm-tests --kernel=$(KERNEL) --gtest_output=xml:$(BUILD)/vm-debug.xml
	$(BUILD)/tests/debug/debug-tests --kernel=$(KERNEL) --gtest_output=xml:$(BUILD)/debug.xml \
		--gtest_filter='PlantedTest.*:*SiwTest.*:*SiwVerifyTest.*'

test-failures: image ## allocations and calls that fail one after the other, with that kernel (more than an hour)
	$(LAB) kernel build $(KERNEL)
	$(LAB) module build --kernel $(KERNEL)
	cmake --build $(BUILD) --target debug-tests
	$(BUILD)/tests/debug/debug-tests --kernel=$(KERNEL) --gtest_output=xml:$(BUILD)/failures.xml \
		--gtest_filter='*FailureTest.*'

test-kcsan: image ## the data path with a kernel that finds data races (20 minutes, and as many for the kernel, once)
	$(LAB) kernel build kcsan
	$(LAB) module build --kernel kcsan
	cmake --build $(BUILD) --target vm-tests debug-tests
	$(BUILD)/tests/vm/vm-tests --kernel=kcsan --cpus=2 --gtest_output=xml:$(BUILD)/vm-kcsan.xml \
		--gtest_filter='MountTest.*:*VerifyTest.*:DataTest.*:ReleaseTest.*:DrainTest.*:FaultTest.*:BackchannelTest.*'
	$(BUILD)/tests/debug/debug-tests --kernel=kcsan --cpus=2 --gtest_output=xml:$(BUILD)/kcsan.xml \
		--gtest_filter='PlantedTest.ARacyCounter'

setup: ## install what all of this needs (Debian 12 or 13, root)
	@scripts/setup

lab: setup ## the nfsrdma-lab program
	@cmake -S harness -B $(BUILD) -G Ninja >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/cmake.log
	cmake --build $(BUILD) --target nfsrdma-lab

test-all: test ## make test, and the tests that need more machines and more time (two hours more)
	ctest --test-dir $(BUILD) --output-on-failure --parallel 2 -L system

conform: lab ## rpcrdma-conform, the suite for any RPC-over-RDMA server
	cmake --build $(BUILD) --target rpcrdma-conform

conformance: conform lab-module ## that suite against our transport and the kernel's own (8 minutes)
	$(LAB) conformance

image: lab ## the guest image, unless it is cached
	$(LAB) image build

lab-module: image ## svcrdma.ko for every kernel of the image
	$(LAB) module build

doctor: lab ## what is missing on this machine
	$(LAB) doctor

clean: ## everything in build; the image cache stays
	rm -rf $(BUILD)

# --- The module on its own, style ------------------------------------------------------------

# Headers of the kernel that the module is for: this machine's, unless told otherwise.
KDIR ?= /lib/modules/$(shell uname -r)/build
KMAKE = $(MAKE) -C $(KDIR) M=$(CURDIR)/kmod

.PHONY: module module-clean install config style sparse tidy lint fuzz fuzz-check

module: ## svcrdma.ko for this machine's kernel, or for KDIR=
	$(KMAKE) W=1 modules

install: module ## install svcrdma.ko for this machine's kernel
	$(KMAKE) modules_install
	depmod

module-clean: ## everything that make module left in kmod
	$(KMAKE) clean

config: ## choose the module's build options (Kconfig)
	KCONFIG_CONFIG=kmod/config $(KDIR)/scripts/kconfig/conf --oldaskconfig Kconfig

style: setup ## clang-format and shellcheck, and over the module the kernel's checkpatch
	clang-format --dry-run -Werror $(shell git ls-files 'harness/*.cpp' 'harness/*.h' 'tests/*.cpp' 'tests/*.h')
	shellcheck scripts/guest/* scripts/hooks/* scripts/setup scripts/checkpatch scripts/tidy .ci/run
	@# Busybox's shell is called ash there; names of packages are no sums; products is sourced.
	shellcheck --severity=warning --exclude=SC2187,SC2100,SC2034 \
		$(filter-out %/guest,$(wildcard scripts/image/*)) scripts/image/guest/early \
		scripts/image/guest/init $(filter-out %.config,$(wildcard scripts/kernel/*))
	scripts/checkpatch kmod

sparse: image ## compile the module with warnings as errors, and have sparse look through it
	$(LAB) module check

tidy: lab ## clang-tidy over what .ci/tidy-clean does not know as clean (half an hour for all; FILES= for some)
	cmake --build $(BUILD)
	scripts/tidy $(BUILD) $(FILES)

lint: style sparse tidy ## all three

fuzz-check: setup ## fuzz the header codec for 20 s, and say how much of it was reached
	$(MAKE) --no-print-directory -C tests/fuzz OUT=$(CURDIR)/$(BUILD)/fuzz check

fuzz: setup ## fuzz the header codec for a minute (TIME=seconds)
	$(MAKE) --no-print-directory -C tests/fuzz OUT=$(CURDIR)/$(BUILD)/fuzz run
