-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local helper = require "helper"

local core = require "lagoon.core"

-- What a finaliser does last: all of it is refused, and breaks nothing. `log` gets a line for each.
local LAST = [[
  local lagoon = require "lagoon"
  local log = ...
  local ch, C, f = lagoon.chan(9), nil, nil
  local last = {
    go = function() lagoon.go(function() end) end,
    async = function() lagoon.async(function() end) end,
    parallel = function() lagoon.parallel(function() end) end,
    tick = function() lagoon.tick(0.001) end,
    after = function() lagoon.after(0.001) end,
    timer = function() lagoon.timer(0.001, function() end) end,
    mutex = function() lagoon.mutex() end,
    chan = function() lagoon.chan(1) end,
    atomic = function() lagoon.atomic() end,
    freeze = function() lagoon.freeze { {} } end,
    default = function() lagoon.select(lagoon.default) end,
    procs = function() lagoon.runtime.procs() end,
    stats = function() lagoon.runtime.stats() end,
    stack = function() lagoon.runtime.stack() end,
    limit = function() lagoon.runtime.mem_limit() end,
    percent = function() lagoon.runtime.gc_percent() end,
    send = function() ch:try_send { 1 } end,
    select = function() lagoon.select(ch:sending { 1 }, lagoon.default) end,
    functions = function() ch:try_send(f()) end,
    instances = function() ch:try_send(setmetatable({}, C)) end,
  }
  LATER = newproxy(true)
  getmetatable(LATER).__gc = function()
    for name, body in pairs(last) do
      local ok, err = pcall(body)
      log(name .. " " .. (ok and "done" or err:gsub("^.-:%d+: ", "")))
    end
  end
  f = function() local x = {} return function() return x end end
  C = lagoon.class("state_spec.C", {})
  lagoon.parallel(function(_, g) return g end, ch, f()):wait()
  ch:send(setmetatable({}, C))
  ch:recv()
]]

describe("a state that is closed", function()
  -- Issue 4: each of these crashed.
  it("refuses what its finalisers want at the program's end", function()
    local child = helper.script("loadstring([==[" .. LAST .. "]==])(print)")
    assert.equal("", child.err)
    assert.equal(0, child.status)
    assert.matches("go the runtime has been closed", child.out)
    assert.matches("parallel the runtime has been closed", child.out)
  end)

  it("refuses it without parallel, too", function()
    local child = helper.script [[
      local lagoon = require "lagoon"
      LATER = newproxy(true)
      getmetatable(LATER).__gc = function() print(pcall(lagoon.parallel, function() end)) end
    ]]
    assert.equal(0, child.status)
    assert.matches("^false", child.out)
  end)

  it("refuses it where a worker is closed while others run", helper.guard(function()
    local path = helper.path("last")
    helper.parallel(function(text, to)
      local globals = getmetatable(_G).__index
      setfenv(loadstring(text), globals)(function(line)
        local file = io.open(to, "a")
        file:write(line, "\n")
        file:close()
      end)
    end, LAST, path):wait()
    helper.settle(function()
      core.retire()
      return lagoon.runtime.stats().states.alive == 0
    end, "the worker is closed")
    helper.settle(function() return io.open(path) end, "the finaliser has run")
    lagoon.sleep(0.002) -- what it might have started
    collectgarbage()
    lagoon.runtime.gc()
    local text = io.open(path):read "*a"
    assert.matches("tick the runtime has been closed", text)
    os.remove(path)
  end))

  it("may be a host's", function()
    if not helper.has_host() then
      return
    end
    local file = helper.file("last.lua",
      "require('lagoon').run(function() loadstring([==[" .. LAST .. "]==])(print) end)")
    local child = helper.child({ "luajit", file },
      { env = { LUA_CPATH = helper.library:gsub("lagoon.so$", "?.so") .. "" } })
    assert.equal("", child.err)
    assert.equal(0, child.status)
    assert.matches("send done", child.out)
  end)
end)
