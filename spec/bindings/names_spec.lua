-- SPDX-License-Identifier: MIT
--
-- What travels by its name, seen through transfer_copy(): its arguments as another state would get
-- them. What comes back as the same object has travelled by name.
local core = require "lagoon.core"
local helper = require "helper"
local lagoon = require "lagoon"

local copy = core.transfer_copy

local n = 0

-- Writes a module that package.path leads to; returns its name.
local function write_module(text, folder)
  n = n + 1
  local name = ("names_module_%d"):format(n)
  if folder then
    os.execute(("mkdir -p %q"):format(helper.path(name)))
    helper.file(name .. "/" .. folder .. ".lua", text)
  else
    helper.file(name .. ".lua", text)
  end
  return name
end

-- busted gives specs an environment of their own, which would have to travel along.
local function plain(f)
  return setfenv(f, getfenv(0))
end

local function travels_by_name(value)
  return rawequal(copy(value), value)
end

describe("a name", function()
  local path

  setup(function()
    path = package.path
    package.path = helper.path("?.lua") .. ";" .. helper.path("?/init.lua") .. ";" .. path
  end)

  teardown(function()
    package.path = path
    for name in pairs(package.loaded) do
      if type(name) == "string" and name:find("^names_") then
        package.loaded[name] = nil
      end
    end
  end)

  describe("of what comes with Lua", function()
    it("is that of a library, or of a function in it", function()
      for _, name in ipairs { "string", "table", "math", "os", "io", "debug", "coroutine", "bit",
        "jit" } do
        assert.is_true(travels_by_name(_G[name]), name)
        for key, value in pairs(_G[name]) do
          if type(value) == "function" then
            assert.is_true(travels_by_name(value), name .. "." .. key)
          end
        end
      end
    end)

    it("is that of a global function", function()
      for _, name in ipairs { "print", "pcall", "setmetatable", "require", "unpack", "select" } do
        assert.is_true(travels_by_name(_G[name]), name)
      end
    end)

    it("is found for a library that is loaded later", function()
      local ffi = require "ffi"
      assert.is_true(travels_by_name(ffi))
      assert.is_true(travels_by_name(ffi.new))
      assert.is_true(travels_by_name(require "jit.v"))
      assert.is_true(travels_by_name(require("jit.v").start))
      assert.is_true(travels_by_name(require "table.clear"))
    end)

    it("is not taken from a module that has the same function", function()
      local name = write_module("return { p = print, format = string.format }")
      local before = package.loaded.string.format
      local module = require(name)
      package.loaded[name] = nil -- with its name there would be another one now
      helper.file(name .. ".lua", "return {}")
      assert.equal(before, copy(module.format))
      assert.equal(print, copy(module.p))
    end)

    it("is not for a function that a script has added", function()
      local added = plain(function(s) return (s:gsub("^%s+", "")) end)
      rawset(string, "names_trim", added)
      local trim = copy(added)
      rawset(string, "names_trim", nil)
      assert.is_false(rawequal(trim, added))
      assert.equal("x", trim("  x"))
    end)
  end)

  describe("of lagoon's own", function()
    it("is that of its modules and functions", function()
      for _, value in ipairs { lagoon, lagoon.go, lagoon.chan, lagoon.group, lagoon.context,
        lagoon.context.background, lagoon.chan, core, core.chan_send } do
        assert.is_true(travels_by_name(value))
      end
    end)
  end)

  describe("of a module", function()
    it("is its own, and of its functions, down to three tables", function()
      local m = require(write_module [[
        local M = { a = { b = { c = {} } } }
        function M.f() end
        function M.a.f() end
        function M.a.b.f() end
        function M.a.b.c.f() return "deep" end
        M.a.b.c.d = { f = function() return "deeper" end }
        M.Class = setmetatable({}, { __index = M })
        function M.Class.new() end
        return M
      ]])
      for _, value in ipairs { m, m.f, m.a.f, m.a.b.f, m.a.b.c.f, m.Class.new } do
        assert.is_true(travels_by_name(value))
      end
      assert.is_false(travels_by_name(m.a.b.c.d.f))
      assert.equal("deeper", copy(m.a.b.c.d.f)())
    end)

    it("is not for tables inside it, which are copied", function()
      local m = require(write_module "return { data = { 1, 2, f = function() end } }")
      local data = copy(m.data)
      assert.is_false(rawequal(data, m.data))
      assert.same({ 1, 2, f = m.data.f }, data)
    end)

    it("may be that of a function or of a table without any", function()
      assert.is_true(travels_by_name(require(write_module "return function() end")))
      assert.is_true(travels_by_name(require(write_module "return { port = 80 }")))
      assert.is_true(travels_by_name(require(write_module("return { f = print }", "init"))))
    end)

    it("counts for what another file of the package has put there", function()
      local name = write_module("local M = {} require((...) .. '.extra')(M) return M", "init")
      helper.file(name .. "/extra.lua", "return function(M) function M.f() end end")
      local m = require(name)
      assert.is_true(travels_by_name(m.f))
    end)

    it("is found when it is loaded after others were looked up", function()
      copy({ plain(function() end) })
      for _ = 1, 3 do
        local m = require(write_module "return { f = function() end, data = {} }")
        assert.equal(m, copy({ m })[1])
        assert.is_true(travels_by_name(m.f))
      end
    end)

    it("is found when the module has asked for names in its body", function()
      local name = write_module [[
        local M = {}
        function M.f() return M end
        SEEN = require("lagoon.core").transfer_copy({ 1, f = print })
        return M
      ]]
      local m = require(name)
      assert.same({ 1, f = print }, _G.SEEN)
      _G.SEEN = nil
      assert.is_true(travels_by_name(m))
      assert.is_true(travels_by_name(m.f))
    end)

    it("is found again when the module has been loaded again", function()
      local name = write_module "return { f = function() end }"
      local first = require(name)
      assert.is_true(travels_by_name(first.f))
      package.loaded[name] = nil
      local second = require(name)
      assert.is_false(rawequal(first, second))
      assert.is_true(travels_by_name(second))
      assert.is_true(travels_by_name(second.f))
    end)

    it("is found, in the end, when the entry has been replaced", function()
      local name = write_module "return { f = function() end }"
      copy(require(name))
      package.loaded[name] = nil
      collectgarbage()
      local other = dofile(helper.path(name .. ".lua"))
      rawset(package.loaded, name, other)
      helper.settle(function() return travels_by_name(other) end)
    end)

    it("survives a module whose body has failed", function()
      local name = write_module "error 'no'"
      assert.is_false(pcall(require, name))
      local m = require(write_module "return { f = function() end }")
      assert.is_true(travels_by_name(m.f))
      assert.is_false(pcall(require, name))
    end)
  end)

  describe("is not for what no other state would find:", function()
    it("a callback of the script in a module's table", function()
      local m = require(write_module "return { handlers = {}, f = function() end }")
      m.handlers.here = plain(function() return "called" end)
      m.callback = m.handlers.here
      local callback = copy(m.callback)
      assert.is_false(rawequal(callback, m.callback))
      assert.equal("called", callback())
    end)

    it("a module that was set by hand", function()
      local m = { f = plain(function() return 1 end), data = { 2 } }
      package.loaded.names_by_hand = m
      local got = copy(m)
      assert.is_false(rawequal(got, m))
      assert.equal(1, got.f())
      assert.same({ 2 }, got.data)
      package.loaded.names_by_hand = { 1 }
      assert.is_false(travels_by_name(package.loaded.names_by_hand))
    end)

    it("a module out of package.preload whose chunk is called otherwise", function()
      package.preload.names_preloaded = function()
        return { f = plain(function() return 1 end) }
      end
      local m = require "names_preloaded"
      assert.is_false(travels_by_name(m))
      assert.equal(1, copy(m.f)())
      package.preload.names_preloaded = nil
    end)

    it("package.loaded, and what is in package but no function", function()
      assert.is_false(pcall(travels_by_name, package.loaded))
      local data = { f = plain(function() return 1 end) }
      rawset(package, "names_data", data)
      assert.is_false(travels_by_name(data))
      rawset(package, "names_data", nil)
    end)
  end)

  it("stays with a value while others are collected", function()
    local name = write_module "return { f = function() end }"
    require(name)
    copy(require(name).f)
    package.loaded[name] = nil
    collectgarbage()
    collectgarbage()
    assert.is_true(travels_by_name(require(name).f))
  end)

  it("is found by table and function, however many the module has", function()
    local m = require(write_module [[
      local M = { rows = {} }
      for i = 1, 30000 do M.rows["row" .. i] = { i } end
      function M.f() end
      return M
    ]])
    assert.is_true(travels_by_name(m))
    assert.is_true(travels_by_name(m.f))
  end)

  it("does not keep entries of package.loaded from being plain ones", function()
    copy({ print })
    local seen = 0
    for name, value in pairs(package.loaded) do
      assert.equal(value, rawget(package.loaded, name))
      seen = seen + 1
    end
    assert.is_true(seen > 10)
    package.loaded.names_entry = 1
    assert.equal(1, rawget(package.loaded, "names_entry"))
    package.loaded.names_entry = nil
    assert.is_nil(package.loaded.names_entry)
  end)

  describe("where it arrives", function()
    it("loads the module", function()
      local name = write_module "return { f = function() return 7 end, inner = { g = print } }"
      local m = require(name)
      copy(m.f)
      package.loaded[name] = nil
      local f = copy(m.f)
      assert.is_false(rawequal(f, m.f))
      assert.equal(7, f())
      assert.equal(package.loaded[name].f, f)
    end)

    it("may wait for the module's body", function()
      local name = write_module "require('lagoon').sleep(0.001) return { f = function() end }"
      local m = require(name)
      copy(m.f)
      package.loaded[name] = nil
      local f = lagoon.async(function() return copy(m.f) end):wait()
      assert.equal(package.loaded[name].f, f)
    end)

    it("says which module is missing, as require does", function()
      local name = write_module "return { f = function() end }"
      local m = require(name)
      copy(m.f)
      package.loaded[name] = nil
      os.remove(helper.path(name .. ".lua"))
      assert.matches("module '" .. name .. "' not found", helper.error_of(copy, m.f))
      assert.matches("module '" .. name .. "' not found", helper.error_of(copy, { x = m }))
    end)

    it("says which function is missing", function()
      local name = write_module "return { f = function() end, a = { g = function() end } }"
      local m = require(name)
      copy(m.f)
      package.loaded[name] = nil
      helper.file(name .. ".lua", "return { f = 1, a = 2 }")
      local message = "module '" .. name .. "' has no function '%s' in this Lua state"
      assert.equal(message:format("f"), helper.message_of(function() copy(m.f) end))
      assert.equal(message:format("a.g"), helper.message_of(function() copy(m.a.g) end))
    end)
  end)
end)
