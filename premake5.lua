-- SPDX-License-Identifier: MIT
-- What is built from what. Written for premake5; premake4 reads it through the script below.
--
--   premake5 gmake                       or   premake4 --file=premake5.lua gmake
--   make -C build/make config=release lagoon lagoon_so
--
-- The Makefile beside this file does both, and first runs tools/luajit and tools/setup.
-- Always pass config=; the generated makefiles cannot know which one you meant.

if not filter then
    dofile("tools/premake4_compat.lua")
end

newoption {
    trigger = "luajit",
    value = "WHICH",
    description = "The LuaJIT to build with",
    allowed = {
        { "bundled", "the one that tools/luajit builds (default)" },
        { "system", "the installed libluajit, by pkg-config" },
    },
}

newoption {
    trigger = "arch",
    value = "ARCH",
    description = "The processor to build for (default: this one); give make its CC and AR",
    allowed = {
        { "x64", "x86-64" },
        { "arm64", "64-bit ARM" },
    },
}

local CONFIGS = { "debug", "release", "check", "asan", "tsan", "coverage" }
local LAYERS = { "base", "os", "mem", "sched", "gc", "sync", "io", "rt" }

-- Builds that differ by an option have folders of their own under build/, to live side by side.
local SUFFIX = (_OPTIONS.luajit == "system" and "-system" or "")
    .. (_OPTIONS.arch and "-" .. _OPTIONS.arch or "")

local function output_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read("*a")
    pipe:close()
    return (text:gsub("%s+$", ""))
end

local function find_luajit()
    if _OPTIONS.luajit ~= "system" then
        return {
            include = "build/luajit/include",
            libdir = "build/luajit",
            link = "luajit",
            jit = "build/luajit/jit",
            program = "build/luajit/luajit",
            door = "lagoon__luajit_door", -- in its archive, which nobody asks for strongly
        }
    end
    local version = output_of("pkg-config --modversion luajit")
    assert(version ~= "", "pkg-config knows no luajit; run tools/setup system")
    local jit = os.matchdirs("/usr/share/luajit-*")[1]
    return {
        include = output_of("pkg-config --variable=includedir luajit"),
        libdir = output_of("pkg-config --variable=libdir luajit"),
        link = output_of("pkg-config --libs-only-l luajit"):match("^%-l(%S+)"),
        jit = assert(jit, "no /usr/share/luajit-*") .. "/jit",
        program = "luajit",
    }
end

local function target_arch()
    local host = output_of("uname -m") == "aarch64" and "arm64" or "x64"
    return _OPTIONS.arch or host
end

-- Sets a folder below build/<configuration>/ in each configuration.
local function each_config(set)
    for _, name in ipairs(CONFIGS) do
        filter("configurations:" .. name)
        set(name .. SUFFIX)
    end
    filter {}
end

local function start_project(name, project_kind)
    project(name)
    kind(project_kind)
    language "C"
    location("build/make" .. SUFFIX)
    each_config(function(folder)
        targetdir("build/" .. folder)
        objdir("build/" .. folder .. "/obj/" .. name)
    end)
end

-- Links static siblings whole. A plain link would drop what no one calls by name: the rest of
-- the public API, which C modules and the FFI look up at run time, and the probe of the specs.
local function link_whole(names)
    links(names)
    each_config(function(folder)
        local flags = { "-Wl,--whole-archive" }
        for _, name in ipairs(names) do
            table.insert(flags, "../" .. folder .. "/lib" .. name .. ".a")
        end
        table.insert(flags, "-Wl,--no-whole-archive")
        linkoptions(flags)
    end)
end

-- The number of the library's binary interface, from the header.
local function abi_number()
    local header = assert(io.open("core/include/lagoon.h"))
    local number = header:read("*a"):match("\n#define LG_ABI (%d+)")
    header:close()
    return assert(number, "core/include/lagoon.h has no LG_ABI")
end

local luajit = find_luajit()
local is_clang = (os.getenv("CC") or "cc"):find("clang", 1, true)

workspace "lagoon"
    configurations(CONFIGS)
    location("build/make" .. SUFFIX)
    cdialect "C11"
    pic "On"
    visibility "Hidden"
    warnings "Extra"
    symbols "On"
    defines { "_GNU_SOURCE" }
    buildoptions {
        "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla", "-Werror",
        -- A goroutine may wake up on another thread: addresses of thread-locals must not be
        -- kept in registers, and lagoon.so must not call __tls_get_addr.
        "-ftls-model=initial-exec",
        -- Sources are compiled from build/make; messages name them from the root.
        "-fmacro-prefix-map=../../=",
    }

    filter "configurations:release"
        defines { "NDEBUG" }
        optimize "On"
    filter "configurations:check"
        defines { "LG_CHECK=1" }
        buildoptions { "-O1" }
    filter "configurations:asan"
        defines { "LG_CHECK=1" }
        buildoptions {
            "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
            "-fno-sanitize-recover=undefined",
            -- Variables stay on the stack, where the collector looks for references.
            is_clang and "-fsanitize-address-use-after-return=never"
                or "--param=asan-use-after-return=0",
        }
        linkoptions { "-fsanitize=address,undefined" }
    filter "configurations:tsan"
        defines { "LG_CHECK=1" }
        buildoptions { "-O1", "-fno-omit-frame-pointer", "-fsanitize=thread" }
        linkoptions { "-fsanitize=thread" }
    filter "configurations:coverage"
        defines { "LG_CHECK=1" }
        buildoptions { "--coverage" }
        linkoptions { "--coverage" }
    filter {}

start_project("core", "StaticLib")
    includedirs { "core", "core/include" }
    for _, layer in ipairs(LAYERS) do
        files { "core/" .. layer .. "/*.c" }
    end
    files { "core/os/*_" .. target_arch() .. ".S" }

-- A Lua error leaves C frames without a word to the sanitizer, whose marks on the stack would stay
-- behind; so it does not mark the stacks of functions that Lua calls.
local function no_stack_marks()
    filter "configurations:asan"
        buildoptions { is_clang and "-mllvm -asan-stack=0" or "--param=asan-stack=0" }
    filter {}
end

-- What only the program has.
local PROGRAM_FILES = {
    "bindings/main.c", "bindings/terminal.c", "bindings/display.c", "bindings/ttymodes.c",
    "bindings/ttyshare.c", "bindings/ttysignals.c",
    "bindings/column.c", "bindings/statefile.c",
    "bindings/course.c", "bindings/seeds.c", "bindings/sampler.c", "bindings/sigterm.c",
    "bindings/asciicast.c", "bindings/record.c", "bindings/htmlreport.c",
}

start_project("bindings", "StaticLib")
    includedirs { "core/include", luajit.include }
    files { "bindings/*.c" }
    removefiles(PROGRAM_FILES)
    no_stack_marks()

-- The Lua half as text: string.dump's output differs from run to run.
start_project("embed", "Makefile")
    local generated = "build/gen" .. SUFFIX .. "/scripts.c"
    buildcommands {
        "@cd ../.. && " .. luajit.program .. " tools/embed.lua " .. generated .. " " .. luajit.jit,
    }

start_project("scripts", "StaticLib")
    includedirs { "bindings" }
    files { generated }
    dependson { "embed" }

start_project("lagoon", "ConsoleApp")
    includedirs { "core/include", luajit.include }
    files(PROGRAM_FILES)
    -- Where a run must be the same each time, LuaJIT gets its seeds from bindings/seeds.c.
    linkoptions { "-Wl,--wrap=lj_prng_seed_secure" }
    no_stack_marks()
    link_whole { "bindings", "scripts", "core" }
    libdirs { luajit.libdir }
    links { luajit.link, "uv", "wslay", "nettle", "z", "utf8proc", "util", "m", "dl", "pthread" }
    -- C modules that a script requires find the Lua API in the program.
    linkoptions { "-Wl,--dynamic-list=../../tools/packages/program.map" }
    if luajit.door then
        linkoptions { "-Wl,-u," .. luajit.door }
    end

-- A shared library shows what is public, and itself calls what it has inside, whatever else in the
-- process has the same name. Its threads may outlive who loaded it: it is never unmapped.
local function link_shared()
    linkoptions {
        "-Wl,--version-script=../../tools/packages/library.map", "-Wl,-Bsymbolic",
        "-Wl,-z,nodelete",
    }
end

-- The C library alone.
start_project("liblagoon_so", "SharedLib")
    targetname "lagoon"
    link_whole { "core" }
    links { "uv", "m", "dl", "pthread" }
    link_shared()
    linkoptions { "-Wl,-soname,liblagoon.so." .. abi_number() }

-- Not linked against a LuaJIT: the host that loads it has one. Nor against the C library: it is
-- one file, which a host may copy.
start_project("lagoon_so", "SharedLib")
    targetname "lagoon"
    targetprefix ""
    link_whole { "bindings", "scripts", "core" }
    links { "uv", "wslay", "nettle", "z", "m", "dl", "pthread" }
    link_shared()

start_project("liblagoon", "Makefile")
    dependson { "core", "bindings", "scripts" }
    each_config(function(folder)
        buildcommands { "@../../tools/merge_archives ../" .. folder .. " core bindings scripts" }
    end)

start_project("core_spec", "ConsoleApp")
    includedirs { "core", "core/include", "bindings", "spec/core" }
    files { "spec/core/**.c" }
    -- What of the bindings needs no Lua has specs in C, too.
    files { "spec/bindings/*.c", "bindings/asciicast.c", "bindings/attachframe.c",
        "bindings/bytecode.c", "bindings/opcodes.c", "bindings/utf8.c",
        "bindings/writeall.c" }
    link_whole { "core" }
    links { "uv", "m", "dl", "pthread" }

-- Hosts in C: states that lagoon is opened in, by programs that know nothing of it.
start_project("host_spec", "ConsoleApp")
    includedirs { "core/include", luajit.include, "bindings", "spec/core" }
    files { "spec/core/main.c", "spec/core/spec.c", "spec/core/runtimes.c", "spec/host/*.c" }
    no_stack_marks()
    link_whole { "bindings", "scripts", "core" }
    libdirs { luajit.libdir }
    links { luajit.link, "uv", "wslay", "nettle", "z", "m", "dl", "pthread" }
    linkoptions { "-Wl,-E" }
    if luajit.door then
        linkoptions { "-Wl,-u," .. luajit.door }
    end

local bench_names = {}
for _, file in ipairs(os.matchfiles("bench/native/*.c")) do
    local name = path.getbasename(file)
    table.insert(bench_names, "bench_" .. name)
    start_project("bench_" .. name, "ConsoleApp")
        includedirs { "core/include", "bench/native" }
        files { file }
        links { "core", "uv", "m", "dl", "pthread" }
        targetname(name)
        each_config(function(folder)
            targetdir("build/" .. folder .. "/bench")
        end)
end

start_project("bench_native", "Makefile")
    dependson(bench_names)
