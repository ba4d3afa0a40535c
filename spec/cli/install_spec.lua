-- SPDX-License-Identifier: MIT
--
-- `make install`, and programs that are built with what it has put somewhere.
local helper = require "helper"

local build = helper.library:match("^(.*)/")
local ROOT, PREFIX = helper.path("root"), "/opt/lagoon"
local installed = ROOT .. PREFIX
local ENV = {
  DESTDIR = ROOT,
  PREFIX = PREFIX,
  PKG_CONFIG_PATH = installed .. "/lib/pkgconfig",
  PKG_CONFIG_SYSROOT_DIR = ROOT,
  LD_LIBRARY_PATH = installed .. "/lib",
}

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null") == 0
end

-- Runs words, which must go well; returns what they print.
local function run(words, opts)
  local child = helper.child(words, { env = ENV, cwd = opts and opts.cwd, limit = 120 })
  assert(child.status == 0, table.concat(words, " ") .. ": " .. child.out .. child.err)
  return child.out
end

local function shell(line, opts)
  return run({ "bash", "-c", line }, opts)
end

local function files_below(path)
  local files = {}
  for name in shell("cd " .. path .. " && find . ! -type d | sort"):gmatch("%./([^\n]+)") do
    files[#files + 1] = name
  end
  return files
end

local PARTS = { "program", "library", "dev", "lua", "doc" }

local function install()
  run { "tools/install", "install", build, unpack(PARTS) }
  install = function() end
end

-- The first program of the C reference, which prints three lines.
local function reference_program()
  local text = io.open("docs/reference/c.md"):read("*a"):match("```c\n(.-)```")
  return helper.file("program.c", text)
end

-- What a program is that has a Lua state: prints what `require "lagoon"` does in there.
local HOST = [[
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
int lagoon_openlib(lua_State *L);
int main(void)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lagoon_openlib(L);
    int err = luaL_dostring(L, "local lagoon = require 'lagoon'\n"
        "print(lagoon.run(function()\n"
        "  return lagoon.parallel(function(n) return n + 1 end, 41):wait()\n"
        "end))");
    if (err) {
        fputs(lua_tostring(L, -1), stderr);
    }
    lua_close(L);
    return err;
}
]]

-- Skipped where the library is not built for those who link it: under sanitizers.
local function it_built(name, body)
  it(name, function()
    local library = io.open(build .. "/liblagoon.so")
    if library then
      library:close()
      install()
      body()
    end
  end)
end

describe("what is installed", function()
  it_built("is a program, two libraries, a module, and files for those who use them", function()
    local is_there = {}
    for _, name in ipairs(files_below(installed)) do
      is_there[name] = true
    end
    for _, name in ipairs {
      "bin/lagoon", "include/lagoon.h", "lib/liblagoon.a", "lib/liblagoon.so", "lib/liblagoon.so.0",
      "lib/lua/5.1/lagoon.so", "lib/pkgconfig/lagoon.pc", "lib/pkgconfig/lagoon-static.pc",
      "lib/pkgconfig/lagoon-lua.pc", "lib/cmake/lagoon/lagoon-config.cmake",
      "lib/cmake/lagoon/lagoon-config-version.cmake", "share/doc/lagoon/docs/tour.md",
      "share/lagoon/lua/lagoon/init.lua", "share/man/man1/lagoon.1",
    } do
      assert(is_there[name], name .. " is missing")
    end
  end)

  it_built("has no place that is still to be filled in", function()
    assert.equal("", shell("grep -rn '@[A-Z]*@' " .. installed .. "/lib/pkgconfig "
      .. installed .. "/lib/cmake || true"))
  end)

  it_built("is found under its final place, not where it was packed", function()
    assert.equal("", shell("grep -rln " .. ROOT .. " " .. installed .. "/lib/pkgconfig "
      .. installed .. "/lib/cmake || true"))
    assert.matches("prefix=/opt/lagoon\n", shell("cat " .. installed .. "/lib/pkgconfig/lagoon.pc"))
  end)

  it_built("has a manual page with every option of the manual", function()
    local page = shell("cat " .. installed .. "/share/man/man1/lagoon.1")
    assert.matches('^%.TH LAGOON 1 "" "lagoon 0%.1%.0"\n', page)
    local n = 0
    for option in io.open("docs/reference/program.md"):read("*a"):gmatch("\n| `(%-%S*)") do
      n = n + 1
      local text = "\n.TP\n\\fB" .. option:gsub("`$", ""):gsub("%-", "\\-")
      assert(page:find(text, 1, true), option .. " is missing")
    end
    assert.is_true(n > 5)
    for line in page:gmatch("[^\n]+") do
      assert(not line:find("^%.") or line:find("^%.%a%a"), line)
    end
  end)

  it_built("runs", function()
    assert.equal("42\n", run { installed .. "/bin/lagoon", "-e", [[
      local lagoon = require "lagoon"
      print(lagoon.parallel(function() return 42 end):wait())
    ]] })
  end)

  it_built("goes away again, and nothing else", function()
    local other, own = helper.path("other"), helper.path("other/opt/lagoon/lib/own")
    local words = { "env", "DESTDIR=" .. other, "tools/install", "install", build, unpack(PARTS) }
    run(words)
    shell("touch " .. own)
    words[4] = "uninstall"
    run(words)
    assert.same({ "opt/lagoon/lib/own" }, files_below(other))
  end)

  it_built("comes in parts, each of which is known", function()
    local some = helper.path("some")
    run { "env", "DESTDIR=" .. some, "tools/install", "install", build, "library" }
    assert.equal(2, #files_below(some))
    local child = helper.child({ "tools/install", "install", build, "libary" }, { env = ENV })
    assert.equal(1, child.status)
    assert.matches("no part 'libary'", child.err)
  end)
end)

describe("a program that is built by pkg-config", function()
  local function it_compiles(name, body)
    it_built(name, function()
      if has "pkg-config" then
        body()
      end
    end)
  end

  it_compiles("is linked with the shared library", function()
    local app = helper.path("shared")
    shell(("cc -o %s %s $(pkg-config --cflags --libs lagoon)"):format(app, reference_program()))
    assert.matches("liblagoon%.so%.0", shell("readelf -d " .. app))
    assert.equal("1\n2\n3\n", run { app })
  end)

  it_compiles("has the library inside", function()
    local app = helper.path("static")
    shell(("cc -o %s %s $(pkg-config --cflags --libs lagoon-static)"):format(app,
      reference_program()))
    assert.is_nil(shell("readelf -d " .. app):find("liblagoon", 1, true))
    assert.equal("1\n2\n3\n", run { app })
  end)

  it_compiles("has the Lua module inside, beside its own LuaJIT", function()
    local luajit = io.open("build/luajit/libluajit.a")
    if not luajit then
      return -- built with the system's, whose headers a host may lack
    end
    luajit:close()
    local app = helper.path("host")
    shell(("cc -o %s %s -Ibuild/luajit/include $(pkg-config --cflags --libs lagoon-lua) "
      .. "-Lbuild/luajit -lluajit -lm -ldl"):format(app, helper.file("host.c", HOST)))
    assert.equal("42\n", run { app })
  end)
end)

describe("a program that is built by CMake", function()
  -- Its first look at a compiler takes seconds: for one build.
  local function it_configures(name, body)
    it_built(name, function()
      if has "cmake" and build:find("/release", 1, true) then
        body()
      end
    end)
  end

  local LISTS = [[
    cmake_minimum_required(VERSION 3.13)
    project(user C)
    find_package(lagoon 0.1 REQUIRED)
    add_executable(shared program.c)
    target_link_libraries(shared lagoon::lagoon)
    add_executable(static program.c)
    target_link_libraries(static lagoon::static)
    if(NOT TARGET lagoon::lua)
        message(FATAL_ERROR "no lagoon::lua")
    endif()
  ]]

  it_configures("is linked with either library", function()
    local folder = reference_program():match("^(.*)/")
    helper.file("CMakeLists.txt", LISTS)
    run { "cmake", "-S", folder, "-B", folder .. "/cmake", "-DCMAKE_PREFIX_PATH=" .. installed }
    run { "cmake", "--build", folder .. "/cmake" }
    for _, name in ipairs { "shared", "static" } do
      assert.equal("1\n2\n3\n", run { folder .. "/cmake/" .. name })
    end
    assert.matches("liblagoon%.so%.0", shell("readelf -d " .. folder .. "/cmake/shared"))
    assert.is_nil(shell("readelf -d " .. folder .. "/cmake/static"):find("liblagoon", 1, true))
  end)

  it_configures("is refused a version that is not there", function()
    local check = helper.file("version.cmake", ([[
      foreach(PACKAGE_FIND_VERSION 0.1 0.1.0 0 0.2 1.0 0.0.9 0.1.9)
        unset(PACKAGE_VERSION_COMPATIBLE)
        include(%s/lib/cmake/lagoon/lagoon-config-version.cmake)
        if(PACKAGE_VERSION_COMPATIBLE)
          message("${PACKAGE_FIND_VERSION} fits")
        endif()
      endforeach()
    ]]):format(installed))
    local child = helper.child({ "cmake", "-P", check }, { limit = 60 })
    assert.equal("0.1 fits\n0.1.0 fits\n0 fits\n", child.err)
  end)
end)

describe("LuaRocks", function()
  it_built("builds and installs the module, without the network", function()
    -- In a build of its own it would compile everything again.
    if not has "luarocks" or not helper.program:find("/release", 1, true) then
      return
    end
    local rocks = helper.path("rocks")
    local line = ("unset MAKEFLAGS MAKELEVEL; alone=; ! unshare -n true || alone='unshare -n'; "
      .. "$alone luarocks --lua-version=5.1 --tree %s make CC=%s"):format(rocks,
      os.getenv("CC") or "cc")
    local child = helper.child({ "bash", "-c", line }, { limit = 120, env = { SETUP = "no" } })
    assert.equal(0, child.status, child.out .. child.err)
    assert.equal("0.1.0\n", run({ "env", "LUA_CPATH=" .. rocks .. "/lib/lua/5.1/?.so", "luajit",
      "-e", "print(require('lagoon').VERSION)" }))
  end)
end)
