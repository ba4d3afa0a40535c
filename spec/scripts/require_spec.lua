-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

-- What is sent must not have busted's environment, which cannot be.
local describe, it, assert = describe, it, assert
setfenv(1, _G)

local path = package.path

-- Runs f while the modules can be required; they are forgotten afterwards.
local function with_modules(modules, f)
  for name, text in pairs(modules) do
    package.path = helper.file(name .. ".lua", text):match("^(.*)/") .. "/?.lua;" .. package.path
  end
  local is_done, err = pcall(f)
  package.path = path
  for name in pairs(modules) do
    package.loaded[name] = nil
  end
  assert(is_done, err)
end

local SLOW = [[
  require("lagoon").sleep(0.005)
  return { id = {} }
]]

local function start(n, name)
  local tasks = {}
  for i = 1, n do
    tasks[i] = lagoon.async(function() return require(name) end)
  end
  return tasks
end

-- What only the `require` of the program and its tasks does: a host's is Lua's.
local function it_waits(name, body)
  if not helper.is_hosted() then
    it(name, body)
  end
end

describe("require", function()
  describe("of a module that another goroutine loads", function()
    it_waits("waits for it", function()
      with_modules({ lagoon_spec_slow = SLOW }, function()
        local tasks = start(5, "lagoon_spec_slow")
        local module = tasks[1]:wait()
        assert.is_table(module.id)
        for _, task in ipairs(tasks) do
          assert.equal(module, task:wait())
        end
        assert.equal(module, require "lagoon_spec_slow")
      end)
    end)

    it_waits("waits in a coroutine and below a C function, too", function()
      with_modules({ lagoon_spec_slow = SLOW }, function()
        local first = start(1, "lagoon_spec_slow")[1]
        local inside = lagoon.async(coroutine.wrap(require), "lagoon_spec_slow")
        local below = lagoon.async(function()
          local module
          ("x"):gsub("x", function() module = require "lagoon_spec_slow" end)
          return module
        end)
        local module = first:wait()
        assert.equal(module, inside:wait())
        assert.equal(module, below:wait())
      end)
    end)

    it("waits in tasks", function()
      with_modules({ lagoon_spec_slow = SLOW }, function()
        local tasks = {}
        for i = 1, 10 do
          tasks[i] = lagoon.parallel(function() return type(require "lagoon_spec_slow".id) end)
        end
        for _, task in ipairs(tasks) do
          assert.equal("table", task:wait())
        end
      end)
    end)

    it_waits("loads it again when that fails", function()
      with_modules({ lagoon_spec_flaky = [[
        lagoon_spec_tries = (lagoon_spec_tries or 0) + 1
        lagoon_spec_gate:recv()
        if lagoon_spec_tries < 3 then
          error("try " .. lagoon_spec_tries, 0)
        end
        return lagoon_spec_tries
      ]] }, function()
        lagoon_spec_gate = lagoon.chan() -- luacheck: ignore
        local tasks = {}
        for i = 1, 4 do
          tasks[i] = helper.parked(start(1, "lagoon_spec_flaky")[1])
        end
        lagoon_spec_gate:close() -- luacheck: ignore
        assert.equal("try 1", helper.error_of(tasks[1].wait, tasks[1]))
        assert.equal("try 2", helper.error_of(tasks[2].wait, tasks[2]))
        assert.equal(3, tasks[3]:wait())
        assert.equal(3, tasks[4]:wait())
        lagoon_spec_tries, lagoon_spec_gate = nil, nil -- luacheck: ignore
      end)
    end)

    it_waits("goes on although the one who failed lives", function()
      with_modules({
        lagoon_spec_fails = "require('lagoon').sleep(0.002) error('no', 0)",
      }, function()
        local block = lagoon.chan()
        local first = lagoon.async(function()
          local is_loaded = pcall(require, "lagoon_spec_fails")
          ;("x"):gsub("x", function() block:recv() end) -- keeps its C stack
          return is_loaded
        end)
        local second = lagoon.async(require, "lagoon_spec_fails")
        assert.equal("no", helper.error_of(second.wait, second))
        block:close()
        assert.is_false(first:wait())
      end)
    end)

    it_waits("ends when it is cancelled", function()
      with_modules({ lagoon_spec_stuck = "lagoon_spec_gate:recv() return 7" }, function()
        lagoon_spec_gate = lagoon.chan() -- luacheck: ignore
        local first, second = unpack(start(2, "lagoon_spec_stuck"))
        helper.settle(function() return second:status() == "waiting" end)
        second:cancel("enough")
        assert.equal("enough", helper.error_of(second.wait, second))
        lagoon_spec_gate:close() -- luacheck: ignore
        assert.equal(7, first:wait())
        lagoon_spec_gate = nil -- luacheck: ignore
      end)
    end)
  end)

  if helper.is_hosted() then
    describe("in a host", function()
      it("is Lua's", function()
        assert.equal("C", debug.getinfo(require, "S").what)
      end)

      it("raises where another goroutine loads the module, as Lua's does", function()
        with_modules({ lagoon_spec_slow = SLOW }, function()
          local first, second = unpack(start(2, "lagoon_spec_slow"))
          assert.matches("loop or previous error loading module 'lagoon_spec_slow'",
            helper.error_of(second.wait, second))
          local module = first:wait()
          assert.is_table(module.id)
          assert.equal(module, require "lagoon_spec_slow")
        end)
      end)
    end)
  end

  describe("of modules that need each other", function()
    it("raises in one goroutine", function()
      with_modules({ lagoon_spec_self = "return require 'lagoon_spec_self'" }, function()
        local err = helper.error_of(require, "lagoon_spec_self")
        assert.matches("loop or previous error loading module 'lagoon_spec_self'", err)
      end)
    end)

    it("raises in one of two goroutines", function()
      with_modules({
        lagoon_spec_a = "require('lagoon').sleep(0.002) require 'lagoon_spec_b' return 'a'",
        lagoon_spec_b = "require('lagoon').sleep(0.002) require 'lagoon_spec_a' return 'b'",
      }, function()
        local a = lagoon.async(pcall, require, "lagoon_spec_a")
        local b = lagoon.async(pcall, require, "lagoon_spec_b")
        local results = { { a:wait() }, { b:wait() } }
        local text = tostring(results[1][2]) .. tostring(results[2][2])
        assert.matches("loop or previous error loading module 'lagoon_spec_[ab]'", text)
      end)
    end)
  end)

  it("gives what is loaded", function()
    assert.equal(lagoon, require "lagoon")
    assert.equal(string, require "string")
  end)

  it("tells who called it in its messages", function()
    local _, err = pcall(function() require "lagoon_spec_none" end)
    assert.matches("^[^\n]*require_spec.lua:%d+: module 'lagoon_spec_none' not found:", err)
    assert.matches("bad argument #1 to 'require'", helper.error_of(function() require {} end))
  end)

  it("leaves the stack of a module as it is", function()
    with_modules({ lagoon_spec_level = [[
      return { debug.getinfo(2, "S").what, debug.getinfo(3, "S").short_src }
    ]] }, function()
      local module = require "lagoon_spec_level"
      assert.equal("C", module[1])
      assert.matches("require_spec.lua", module[2])
    end)
  end)

  it("travels", function()
    local f = require
    assert.equal("table", lagoon.parallel(function() return type(f "lagoon") end):wait())
    assert.equal(f, lagoon.parallel(function() return require end):wait())
  end)
end)
