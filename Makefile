# SPDX-License-Identifier: MIT
# The short commands. What is built from what stands in premake5.lua.
#
#   LUAJIT=bundled|system   the LuaJIT of tools/luajit, or the installed one: build/release-system/
#   CC=gcc|clang            objects are rebuilt when it changes
#   PREFIX, DESTDIR         where `make install` puts things; also LIBDIR, LUA_LIBDIR, PARTS:
#                           see tools/install
#   SETUP=no                packages that are missing are an error, not installed

LUAJIT ?= bundled
PREFIX ?= /usr/local
DESTDIR ?=

ifeq ($(filter bundled system,$(LUAJIT)),)
    $(error LUAJIT is '$(LUAJIT)', but must be bundled or system)
endif

SUFFIX := $(if $(filter system,$(LUAJIT)),-system)
RELEASE := build/release$(SUFFIX)
PREMAKE := $(if $(shell command -v premake5 2>/dev/null),premake5,premake4 --file=premake5.lua)
# Debian's compiler for it, and its libraries as tools/sysroot unpacks them.
CROSS := aarch64-linux-gnu
SYSROOT := $(CURDIR)/build/sysroot-arm64
CROSS_CC := $(CROSS)-gcc -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(CROSS) \
    -L$(SYSROOT)/usr/lib/$(CROSS)
# Sanitizers reserve fixed address ranges, which a randomised layout may already have taken.
FIXED_LAYOUT := setarch -R

# $(call build,FOLDER SUFFIX,PREMAKE OPTIONS,CONFIGURATION,PROJECTS): one at a time in a tree, in
# parallel within. Without config= the makefiles would build debug.
define build
	@mkdir -p build/make$(1)
	@exec 9>build/lock && flock 9 \
	    && { said=$$($(PREMAKE) $(2) gmake) || { echo "$$said"; exit 1; }; } \
	    && $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$$(nproc)) \
	        -C build/make$(1) config=$(3) $(4)
endef
build_here = $(call build,$(SUFFIX),--luajit=$(LUAJIT),$(1),$(2))

CONFIGS := debug release check asan tsan coverage

HOSTS := love neovim luajit sdl c cpp jobs

.PHONY: all help run test asan tsan coverage stress arm64 models fuzz bench pictures lint format clean
.PHONY: $(HOSTS:%=embed-%)
.PHONY: packages install uninstall deb luajit $(CONFIGS:%=build-%) setup-build setup-test setup-lint setup-stress

all: setup-build luajit
	@echo "build: $(RELEASE)/lagoon and lagoon.so"
	$(call build_here,release,lagoon lagoon_so)

help:
	@echo "make               build/release/lagoon and build/release/lagoon.so"
	@echo "make run           counts the words of the licence texts with examples/wordcount"
	@echo "make embed-HOST    lagoon in another program: $(HOSTS)"
	@echo "make test          the specs, on the release and check builds"
	@echo "make asan, tsan    the specs under the address and thread sanitizers"
	@echo "make coverage      the specs, and which lines of core and bindings they reach"
	@echo "make stress        long randomised specs, random preemption, the models, the fuzzer, arm64 under qemu, make deb"
	@echo "make models, arm64, fuzz   those alone"
	@echo "make pictures      the pictures in docs/images that the program makes of itself"
	@echo "make bench         lagoon against Go, where it is installed, and against other heaps"
	@echo "make lint          formats, analysers and warnings of gcc, clang and luacheck"
	@echo "make format        lays out the C sources as lint wants them"
	@echo "make install       into PREFIX=$(PREFIX), below DESTDIR=$(DESTDIR); make uninstall"
	@echo "make deb           Debian packages, in build/deb"
	@echo "make build-CONFIG  all that the specs need: $(CONFIGS)"
	@echo "make clean         removes build/"
	@echo "Variables: LUAJIT=bundled|system, CC=gcc|clang"

run: all
	@echo "run: examples/wordcount"
	@$(RELEASE)/lagoon examples/wordcount/main.lua

export SETUP

setup-build setup-test setup-lint setup-stress: setup-%:
	@tools/setup $* $(filter system,$(LUAJIT))

luajit: setup-build
	@$(if $(SUFFIX),:,tools/luajit)

$(CONFIGS:%=build-%): build-%: luajit
	@echo "build: build/$*$(SUFFIX)"
	$(call build_here,$*,lagoon lagoon_so liblagoon liblagoon_so core_spec host_spec)

test: setup-test build-release build-check
	@echo "test: the release and check builds"
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) spec/run

asan: setup-test build-asan
	@echo "asan: the specs under the address and undefined-behaviour sanitizers"
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) $(FIXED_LAYOUT) spec/run --config=asan

tsan: setup-test build-tsan
	@echo "tsan: the specs under the thread sanitizer"
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) $(FIXED_LAYOUT) spec/run --config=tsan

coverage: setup-test build-coverage
	@echo "coverage: the specs, with counters"
	@find build/coverage$(SUFFIX) -name '*.gcda' -delete
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) spec/run --config=coverage
	@tools/coverage build/coverage$(SUFFIX)

stress: setup-test setup-stress build-release build-check models fuzz arm64 deb
	@echo "stress: long randomised specs"
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) spec/run --stress

arm64: setup-build setup-stress
	@echo "arm64: the core and its specs, run by qemu"
	@tools/sysroot arm64
	$(call build,-arm64,--arch=arm64,check,core_spec CC='$(CROSS_CC)' AR=$(CROSS)-ar)
	@LAGOON_SPEC_EMULATED=1 qemu-aarch64 -L $(SYSROOT) build/check-arm64/core_spec

models: setup-stress
	@echo "models: every state of spec/models"
	@spec/models/run

fuzz: setup-stress
	@echo "fuzz: a minute of inputs for each parser"
	@spec/fuzz/run 60

$(HOSTS:%=embed-%): embed-%: setup-test setup-build luajit
	$(call build_here,release,lagoon_so liblagoon)
	@LAGOON_BUILD=$(RELEASE) examples/embed/start $*

pictures: setup-test all
	@echo "pictures: of the program at work"
	@tools/pictures/make $(RELEASE)/lagoon

# A peer that is missing is passed over, and says so.
bench: all
	@tools/setup bench || echo "bench: goes on without the peers that are missing"
	@echo "bench: lagoon and its peers, interleaved"
	$(call build_here,release,bench_native)
	@tools/luajit unchecked
	@LAGOON_BUILD_SUFFIX=$(SUFFIX) bench/run

lint: setup-build setup-lint luajit
	@echo "lint: formats, analysers, warnings"
	@tools/lint

format: setup-lint
	@echo "format: C sources, in place"
	@find core bindings spec bench examples '(' -name '*.[ch]' -o -name '*.cpp' ')' \
	    -exec clang-format -i {} +

# All parts of tools/install, or those that are named: make install PARTS="library dev".
PARTS ?= program library dev lua doc
built_program := lagoon
built_library := liblagoon_so
built_dev := liblagoon
built_lua := lagoon_so
built_doc := embed
export PREFIX DESTDIR LIBDIR LUA_LIBDIR

packages: setup-build luajit
	@echo "packages: $(RELEASE), for $(PARTS)"
	$(call build_here,release,$(foreach part,$(PARTS),$(built_$(part))))

install: packages
	@echo "install: into $(DESTDIR)$(PREFIX)"
	@tools/install install $(RELEASE) $(PARTS)

uninstall:
	@echo "uninstall: from $(DESTDIR)$(PREFIX)"
	@tools/install uninstall $(RELEASE) $(PARTS)

deb: setup-build
	@tools/setup deb
	@tools/deb

clean:
	@echo "clean: build/"
	@rm -rf build
