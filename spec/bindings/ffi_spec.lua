-- SPDX-License-Identifier: MIT
--
-- The fast path: loops over channels and locks stay compiled, and without the FFI or the compiler
-- everything still works. What the compiler does is read from -jv's lines of a child.
local lagoon = require "lagoon"
local helper = require "helper"

local has_ffi = pcall(require, "ffi")

-- Runs a loop with the body in a child that tells of traces; each on its own, so that none is
-- compiled as a part of another.
local function trace(prepare, body)
  local path = helper.path("traces")
  os.remove(path)
  local text = table.concat({
    "local lagoon = require 'lagoon'",
    "local chan, select = lagoon.chan, lagoon.select",
    prepare,
    "local sum = 0",
    "for i = 1, 200000 do " .. body .. " end -- line 5",
    "print 'done'",
  }, "\n")
  local child = helper.lagoon { "-jv=" .. path, helper.file("loop.lua", text) }
  assert.equal("", child.err)
  assert.equal("done\n", child.out)
  local file = assert(io.open(path))
  local said = file:read("*a")
  file:close()
  return said
end

local loops = {
  ["numbers through a buffered channel"] = {
    "local ch = chan(16)", "ch:send(i) sum = sum + ch:recv()" },
  ["booleans through a buffered channel"] = { "local ch = chan(1)", "ch:send(true) ch:recv()" },
  ["nil through a buffered channel"] = { "local ch = chan(1)", "ch:send(nil) ch:recv()" },
  ["strings through a buffered channel"] = { "local ch = chan(1)", "ch:send('text') ch:recv()" },
  ["tables through a buffered channel"] = {
    "local ch, t = chan(4), {}", "ch:send(t) sum = ch:recv() == t and 1 or 0" },
  ["try_send and try_recv"] = {
    "local ch = chan(2)", "ch:try_send(i) sum = sum + (ch:try_recv())" },
  ["try_recv of an empty channel"] = {
    "local ch = chan(2)", "local v, ok = ch:try_recv() if ok then sum = sum + v end" },
  ["select with default"] = {
    "local ch = chan(2) local default = lagoon.default", "sum = sum + select(ch, default)" },
  ["select of two, one ready"] = {
    "local a, b = chan(1), chan(1) b:send(0)",
    "local k, v = select(a, b) sum = sum + k + v b:send(0)" },
  ["mutex"] = { "local m = lagoon.mutex()", "m:lock() m:unlock()" },
  ["rwmutex"] = { "local m = lagoon.rwmutex()", "m:rlock() m:runlock() m:lock() m:unlock()" },
  ["waitgroup"] = { "local wg = lagoon.waitgroup()", "wg:add(1) wg:done()" },
  ["semaphore"] = { "local s = lagoon.semaphore(2)", "s:acquire() s:release()" },
  ["now"] = { "local now = lagoon.now", "sum = sum + now()" },
  ["the length of a channel"] = { "local ch = chan(2)", "sum = sum + #ch" },
}

-- What it says of the loop; loading lagoon has traces of its own.
local function of_loop(said)
  local lines = {}
  for line in said:gmatch "[^\n]+" do
    lines[#lines + 1] = line:find("loop.lua", 1, true) and line or nil
  end
  return table.concat(lines, "\n")
end

describe("a hot loop", function()
  for name, parts in pairs(loops) do
    it("over " .. name .. " is compiled, without aborts or calls of C functions", function()
      if not has_ffi or not jit.status() then
        return -- this run is about the other way
      end
      local said = of_loop(trace(parts[1], parts[2]))
      assert.matches("%[TRACE +%d+ loop.lua:5 loop%]", said)
      assert.is_nil(said:find("NYI", 1, true), said)
      assert.is_nil(said:find("blacklisted", 1, true), said)
      assert.is_nil(said:find("stitch", 1, true), said)
      assert.is_nil(said:find("TRACE --- loop.lua:5", 1, true), said)
    end)
  end
end)

describe("a hook that uses channels", function()
  it("does not get between a receiver and what it receives", function()
    local ch, own = lagoon.chan(4), lagoon.chan(4)
    local wrong = 0
    debug.sethook(function()
      own:try_send(-7)
      own:try_recv()
      own:try_send("hook")
      own:try_recv()
    end, "", 1)
    for i = 1, helper.rounds(2000) do
      local box = { i }
      ch:send(i)
      ch:send(box)
      if ch:recv() ~= i or ch:recv() ~= box then
        wrong = wrong + 1
      end
    end
    debug.sethook()
    assert.equal(0, wrong)
  end)
end)

describe("a task that never needs to wait", function()
  it("is cancelled all the same", function()
    local ch, count = lagoon.chan(2), 0
    local mutex, sema = lagoon.mutex(), lagoon.semaphore(1)
    local task = lagoon.async(function()
      while true do
        ch:send(1)
        ch:recv()
        mutex:lock()
        mutex:unlock()
        sema:acquire()
        sema:release()
        count = count + 1
        lagoon.yield()
      end
    end)
    helper.settle(function() return count > 100 end, "it runs")
    task:cancel("enough")
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.equal("enough", err)
  end)
end)

describe("without the compiler or the FFI", function()
  local text = [[
    local lagoon = require "lagoon"
    local ch, out = lagoon.chan(2), lagoon.chan()
    lagoon.go(function()
      for v in ch do
        out:send(v)
      end
      out:close()
    end)
    lagoon.go(function()
      for _, v in ipairs { 1, "two", true, {} } do
        ch:send(v)
      end
      ch:send(nil)
      ch:close()
    end)
    local m, wg, s = lagoon.mutex(), lagoon.waitgroup(), lagoon.semaphore(1)
    m:lock() m:unlock() wg:add(1) wg:done() wg:wait() s:acquire() s:release()
    for v in out do
      io.write(type(v), " ")
    end
    local i, v, ok = lagoon.select(out, lagoon.default)
    print(i, v, ok, #ch, lagoon.now() > 0)
  ]]
  local expected = "number string boolean table 1\tnil\tfalse\t0\ttrue\n"

  it("everything works under -joff", function()
    local child = helper.script(text)
    assert.equal(expected, child.out)
    child = helper.lagoon { "-joff", helper.file("script.lua", text) }
    assert.equal(0, child.status)
    assert.equal(expected, child.out)
  end)

  it("everything works when there is no ffi module", function()
    local child = helper.lagoon {
      "-e", "package.preload.ffi = nil package.loaded.ffi = nil package.loaders = package.loaders",
      helper.file("script.lua", text),
    }
    assert.equal(expected, child.out)
    if not helper.has_host() then
      return
    end
    -- The module is opened before -e: in a stock luajit it is the script that comes first.
    child = helper.child({ "luajit", "-e", [[
      package.preload.ffi = function() error "no ffi here" end
      package.cpath = ]] .. ("%q"):format(helper.library:gsub("lagoon%.so$", "?.so")) .. [[
      local f = loadfile(]] .. ("%q"):format(helper.file("script.lua", text)) .. [[)
      require("lagoon").run(f)]] })
    assert.equal("", child.err)
    assert.equal(expected, child.out)
  end)
end)
