-- SPDX-License-Identifier: MIT
--
-- What is linked, as others see it: the names that it shows, and what it needs itself.
local helper = require "helper"
local tree = dofile "spec/arch/tree.lua"

local folder = helper.library:match("^(.*)/")

-- The names that a file exports, each with its version: "lg_open@@LAGOON_0".
local function exports(name)
  local names = {}
  for _, line in ipairs(tree.lines_of("nm -D --defined-only " .. folder .. "/" .. name)) do
    local kind, symbol = line:match("^%x+ (%a) (%S+)$")
    if kind ~= "A" then -- the version itself
      names[#names + 1] = symbol
    end
  end
  assert.is_true(#names > 100, name .. " shows next to nothing")
  return names
end

local function dynamic(name)
  local said = {}
  for _, line in ipairs(tree.lines_of("readelf -d " .. folder .. "/" .. name)) do
    local tag, value = line:match("%((%u+)%).*%[(.-)%]")
    if tag then
      said[tag] = said[tag] or {}
      table.insert(said[tag], value)
    end
  end
  return said
end

-- The functions that headers declare.
local function declared(...)
  local names = {}
  for _, header in ipairs { ... } do
    local text = tree.read(header):gsub("//[^\n]*", "")
    for name in text:gmatch("LG_API[^;{]-(lg_[%w_]+)%s*%(") do
      names[name] = true
    end
  end
  assert(names.lg_open and names.lg_chan_send)
  return names
end

-- What the check build shows to specs besides.
local function is_of_specs(name)
  return name:find("^lg_probe_") or name == "lg_check_fail_alloc"
end

-- Fails unless all of these are declared, and nothing else is.
local function check_declared(symbols, ...)
  local missing = declared(...)
  for _, name in ipairs(symbols) do
    assert(missing[name] or is_of_specs(name), name .. " is in no header")
    missing[name] = nil
  end
  assert.is_nil((next(missing)))
end

local abi = tree.read("core/include/lagoon.h"):match("\n#define LG_ABI (%d+)")
local VERSION = "@@LAGOON_" .. abi

describe("liblagoon.so", function()
  it("shows the functions of lagoon.h, all of them and nothing else", function()
    local names = {}
    for _, symbol in ipairs(exports "liblagoon.so") do
      names[#names + 1] = symbol:match("^(lg_[%w_]+)" .. VERSION .. "$") or error(symbol)
    end
    check_declared(names, "core/include/lagoon.h")
  end)

  it("is called after its binary interface, and knows no Lua", function()
    local said = dynamic "liblagoon.so"
    assert.same({ "liblagoon.so." .. abi }, said.SONAME)
    for _, library in ipairs(said.NEEDED) do
      local name = library:match("^(lib%a+)%.")
      assert(name == "libuv" or name == "libc" or name == "libm", library)
    end
    local wanted = tree.lines_of("nm -D --undefined-only " .. folder .. "/liblagoon.so")
    for _, line in ipairs(wanted) do
      assert(not line:find(" lua"), line)
    end
  end)
end)

describe("lagoon.so", function()
  it("shows the functions of both headers and what `require` looks for", function()
    local names, openers = {}, {}
    for _, symbol in ipairs(exports "lagoon.so") do
      local name = symbol:match("^([%w_]+)" .. VERSION .. "$") or error(symbol)
      table.insert(name:find("^luaopen_") and openers or names, name)
    end
    table.sort(openers)
    assert.same({ "luaopen_lagoon", "luaopen_lagoon_core" }, openers)
    check_declared(names, "core/include/lagoon.h", "bindings/lagoon_lua.h")
  end)

  it("needs neither a LuaJIT nor the C library of its own", function()
    for _, library in ipairs(dynamic("lagoon.so").NEEDED) do
      assert(not library:find("lua") and not library:find("lagoon"), library)
    end
  end)
end)

describe("liblagoon.a", function()
  it("has names of lagoon only", function()
    for _, line in ipairs(tree.lines_of("nm -g --defined-only " .. folder .. "/liblagoon.a")) do
      local name = line:match("^%x+ %a (%S+)$")
      assert(not name or name:find("^lg_") or name:find("^lagoon_") or name:find("^luaopen_lagoon"),
        name)
    end
  end)
end)

describe("the program", function()
  it("shows Lua's functions and lagoon's to C modules", function()
    local seen = {}
    for _, symbol in ipairs(exports "lagoon") do
      assert(symbol:find("^lg_") or symbol:find("^lua"), symbol)
      seen[symbol] = true
    end
    assert.is_true(seen["lg_chan_send"])
    local needed = table.concat(dynamic("lagoon").NEEDED, " ")
    assert(seen.lua_pcall and seen.luaL_openlibs or needed:find("libluajit", 1, true))
  end)
end)
