-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local heap_dump = lagoon.runtime.heap_dump

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

describe("runtime.heap_dump", function()
  it("writes what the state holds, by type", function()
    local path = helper.path("heap")
    local function count_of(name)
      collectgarbage()
      assert.is_true(heap_dump(path))
      return tonumber(read(path):match("\n  " .. name .. " (%d+)\n"))
    end
    local channels, mutexes, tables = count_of "channel", count_of "mutex", count_of "table"
    local kept = {}
    for i = 1, 1000 do
      kept[i] = { lagoon.chan(), lagoon.mutex() }
    end
    assert.equal(channels + 1000, count_of "channel")
    assert.equal(mutexes + 1000, count_of "mutex")
    assert.is_true(count_of "table" >= tables + 1000)
    assert.equal(1000, #kept)
  end)

  it("may stand in a callback", function()
    ("x"):gsub("x", function() assert.is_true(heap_dump(helper.path("heap"))) end)
  end)

  it("gives nil, a message and a code where the file cannot be written", function()
    local function check(path, code)
      local ok, message, got = heap_dump(path)
      assert.is_nil(ok)
      assert.equal(code, got)
      assert.matches(path .. ": ", message, 1, true)
    end
    check("/no/such/folder/heap", "ENOENT")
    check("/", "EISDIR")
    check("/dev/null/heap", "ENOTDIR")
    if io.open("/dev/full") then
      check("/dev/full", "ENOSPC")
    end
  end)

  it("refuses what is no path", function()
    assert.matches("bad argument #1 to 'heap_dump' (a string expected, got no value)",
      helper.message_of(function() heap_dump() end), 1, true)
    assert.matches("a path without zero bytes expected",
      helper.message_of(function() heap_dump("a\0b") end), 1, true)
  end)

  it("is refused in a finaliser", function()
    local ok, message
    local function make()
      getmetatable(newproxy(true)).__gc = function() ok, message = pcall(heap_dump, "heap") end
    end
    make()
    local _ = select("#", unpack({}, 1, 240))
    collectgarbage()
    collectgarbage()
    assert.is_false(ok)
    assert.matches("cannot dump the heap inside a __gc metamethod", message)
  end)
end)
