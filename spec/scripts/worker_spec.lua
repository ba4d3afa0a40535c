-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

-- What is sent must not have busted's environment, which cannot be.
local describe, it, assert = describe, it, assert
setfenv(1, _G)

local path = package.path

local function with_module(name, text, f)
  local folder = helper.file(name .. ".lua", text):match("^(.*)/")
  package.path = folder .. "/?.lua;" .. path
  local is_done, err = pcall(f)
  package.path = path
  assert(is_done, err)
end

describe("a module that tasks require", function()
  it("has the globals of its state, whichever task was the first", function()
    with_module("lagoon_spec_globals", [[
      lagoon_spec_global = "set"
      return { read = function() return lagoon_spec_global end }
    ]], function()
      for _ = 1, 8 do
        local seen, read = lagoon.parallel(function()
          local module = require "lagoon_spec_globals"
          return lagoon_spec_global, module.read() -- luacheck: ignore
        end):wait()
        assert.equal("set", seen)
        assert.equal("set", read)
      end
    end)
    assert.is_nil(rawget(_G, "lagoon_spec_global"))
  end)

  it("makes functions that can be sent", function()
    with_module("lagoon_spec_maker", [[
      return { make = function(n) return function() return n end end }
    ]], function()
      for i = 1, 4 do
        local f = lagoon.parallel(function()
          return require "lagoon_spec_maker".make(i)
        end):wait()
        assert.equal(i, f())
      end
    end)
  end)

  it("is loaded once by each state", function()
    with_module("lagoon_spec_once", [[
      local n = 0
      return { count = function() n = n + 1 return n end, id = {} }
    ]], function()
      for _ = 1, 4 do
        assert.is_true(lagoon.parallel(function()
          local module = require "lagoon_spec_once"
          local before = module.count()
          return rawequal(module, require "lagoon_spec_once") and module.count() == before + 1
        end):wait())
      end
    end)
  end)

  it("tells its errors to the task", function()
    with_module("lagoon_spec_broken", "error('broken', 0)", function()
      local task = lagoon.parallel(function() require "lagoon_spec_broken" end)
      assert.matches("broken", helper.error_of(task.wait, task))
      task = lagoon.parallel(function() require "lagoon_spec_none" end)
      assert.matches("module 'lagoon_spec_none' not found", helper.error_of(task.wait, task))
    end)
  end)
end)
