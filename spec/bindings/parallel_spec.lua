-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local helper = require "helper"

local parallel, chan = lagoon.parallel, lagoon.chan

local function message_of(task)
  return (tostring(helper.error_of(task.wait, task)):gsub("^.-_spec%.lua:%d+: ", ""))
end

describe("parallel", function()
  it("runs a function with its arguments and gives its results", helper.guard(function()
    local task = parallel(function(a, b, ...)
      return a + b, select("#", ...), nil, "end"
    end, 1, 2, nil, nil)
    local sum, n, none, last = task:wait()
    assert.equal(3, sum)
    assert.equal(2, n)
    assert.is_nil(none)
    assert.equal("end", last)
    assert.equal("done", task:status())
  end))

  it("gives no results where there are none, and the same at every wait", helper.guard(function()
    local empty = parallel(function() end)
    assert.equal(0, select("#", empty:wait()))
    local task = parallel(function() return { 1 } end)
    local first = task:wait()
    assert.equal(first, (task:wait()))
  end))

  it("gives the task memory of its own", helper.guard(function()
    local shared = { n = 1 }
    local copy = parallel(function(t)
      t.n = t.n + 1
      return t
    end, shared):wait()
    assert.equal(1, shared.n)
    assert.equal(2, copy.n)
  end))

  it("gives each task globals of its own", helper.guard(function()
    local first = parallel(function()
      leaked = 1 -- luacheck: ignore
      return leaked, _G.leaked -- luacheck: ignore
    end)
    local a, b = first:wait()
    assert.equal(1, a)
    assert.equal(1, b)
    for _ = 1, 8 do
      assert.is_nil((parallel(function() return leaked end):wait())) -- luacheck: ignore
    end
    assert.is_nil(rawget(_G, "leaked"))
  end))

  it("does not run in the state that calls it", helper.guard(function()
    local here = tostring(_G):match("0x%x+")
    local there, deeper = parallel(function()
      local lagoon = require "lagoon"
      local here = tostring(debug.getregistry())
      local there = lagoon.parallel(function() return tostring(debug.getregistry()) end):wait()
      return here, there
    end):wait()
    assert.not_equal(here, there)
    assert.not_equal(there, deeper)
  end))

  it("finds modules where the main state does", helper.guard(function()
    local path = helper.file("parallel_module.lua", "return { answer = function() return 42 end }")
    local old = package.path
    package.path = path:gsub("parallel_module.lua$", "?.lua") .. ";" .. old
    local answer = parallel(function() return require("parallel_module").answer() end):wait()
    package.path = old
    assert.equal(42, answer)
    assert.equal("@none", (parallel(function()
      return pcall(require, "parallel_module_of_nobody") and "@some" or "@none"
    end):wait()))
  end))

  it("has the state's own package from the first task on", function()
    local child = helper.script [[
      print(require "lagoon".parallel(function()
        return package == package.loaded.package, type(package.preload.lagoon)
      end):wait())
    ]]
    assert.equal("true\tfunction\n", child.out)
  end)

  it("gets and gives 64-bit integers though nobody there has asked for the FFI", function()
    local child = helper.script [[
      local lagoon = require "lagoon"
      local echo = function(...) return ... end
      print(lagoon.parallel(echo, -5LL, 5ULL):wait())
      print(lagoon.parallel(function() return 7LL, package.loaded.ffi == require "ffi" end):wait())
    ]]
    assert.equal("-5LL\t5ULL\n7LL\ttrue\n", child.out)
  end)

  it("draws other random numbers in each state", helper.guard(function()
    local child = helper.script [[
      local lagoon = require "lagoon"
      local both = lagoon.waitgroup()
      both:add(2)
      -- Who waits for the other has a state that is not the other's, or draws later in the same.
      local function draw()
        both:done()
        both:wait()
        return math.random(2 ^ 30)
      end
      local first, second = lagoon.parallel(draw), lagoon.parallel(draw)
      local a, b, c = first:wait(), second:wait(), math.random(2 ^ 30)
      print(a ~= b, a ~= c, b ~= c)
    ]]
    assert.equal("true\ttrue\ttrue\n", child.out)
  end))

  it("has lagoon, its channels and goroutines inside", helper.guard(function()
    local sum = parallel(function()
      local lagoon = require "lagoon"
      local ch, wg = lagoon.chan(2), lagoon.waitgroup()
      for i = 1, 10 do
        wg:add(1)
        lagoon.go(function()
          ch:send(i)
          wg:done()
        end)
      end
      lagoon.go(function() wg:wait() ch:close() end)
      local sum = 0
      for v in ch do
        sum = sum + v
      end
      return sum
    end):wait()
    assert.equal(55, sum)
  end))

  it("refuses what is no function", function()
    assert.matches("bad argument #1 to 'parallel' %(function expected, got no value%)",
      helper.error_of(parallel))
    assert.matches("got table", helper.error_of(parallel, {}))
  end)

  it("starts nothing when an argument cannot be sent", function()
    local n = lagoon.runtime.num_goroutine()
    local err = helper.message_of(function()
      parallel(function() end, 1, { a = { io.stdout } })
    end)
    assert.equal("cannot send a file (at argument #2.a[1]) to another Lua state", err)
    assert.equal(n, lagoon.runtime.num_goroutine())
  end)
end)

describe("the name of a task of parallel", function()
  it("is told wherever it was given", helper.guard(function()
    local is_named = lagoon.chan(1)
    local task = parallel(function(is_named)
      is_named:recv()
      error("oops", 0)
    end, is_named)
    assert.equal("reader", task:name("reader"))
    is_named:send(true)
    assert.matches("\ngoroutine %d+ %[reader%] created by",
      lagoon.traceback(helper.error_of(task.wait, task)))
    local child = helper.script [[
      local lagoon = require "lagoon"
      lagoon.parallel(function() lagoon.select() end):name("from outside")
      lagoon.parallel(function()
        lagoon.self():name("from inside")
        lagoon.select()
      end)
      lagoon.select()
    ]]
    assert.matches('\ngoroutine %d+ "from outside" %[select', child.err)
    assert.matches('\ngoroutine %d+ "from inside" %[select', child.err)
  end))

  it("is read while the task ends", helper.guard(function()
    local stop = lagoon.atomic()
    local namers = lagoon.group()
    for _ = 1, 2 do
      namers:parallel(function()
        local i = 0
        while stop:get() == 0 do
          i = i + 1
          lagoon.parallel(function()
            lagoon.self():name("<" .. ("z"):rep(i % 20) .. ">")
            lagoon.sleep(0)
            collectgarbage()
          end):wait()
        end
      end)
    end
    local until_s = lagoon.now() + 0.2
    local others = {}
    while lagoon.now() < until_s do
      for _, goroutine in ipairs(lagoon.runtime.goroutines()) do
        local name = goroutine.name
        if name and not name:match("^<z*>?$") then
          others[#others + 1] = name
        end
      end
      lagoon.sleep(0)
    end
    stop:set(1)
    namers:wait()
    assert.same({}, others)
  end))
end)

describe("a task of parallel that fails", function()
  it("raises its error at every wait", helper.guard(function()
    local task = parallel(function() error("oops", 0) end)
    for _ = 1, 2 do
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      assert.equal("oops", err)
    end
    assert.equal("failed", task:status())
  end))

  it("raises tables and tells both tracebacks", helper.guard(function()
    local task = parallel(function() error { code = 7 } end)
    local err = helper.error_of(task.wait, task)
    assert.equal(7, err.code)
    local trace = lagoon.traceback(err)
    assert.matches("parallel_spec.lua:%d+: in function <.*parallel_spec.lua:%d+>\n", trace)
    assert.matches("created by goroutine %d+ at .*parallel_spec.lua:%d+", trace)
  end))

  it("raises words for what cannot be sent", helper.guard(function()
    local task = parallel(function() error(io.stdout) end)
    assert.matches("^file %(0x%x+%)$", tostring(helper.error_of(task.wait, task)))
    local plain = parallel(function() error { code = 7, log = io.stdout } end)
    assert.equal("(error object is a table value): cannot send a file (at error.log) to another "
      .. "Lua state", helper.error_of(plain.wait, plain))
  end))

  it("is told when a result cannot be sent", helper.guard(function()
    local task = parallel(function() return 1, coroutine.create(print) end)
    assert.equal("cannot send a coroutine (at result #2) to another Lua state", message_of(task))
  end))

  it("passes errors on through several states", helper.guard(function()
    local task = parallel(function()
      local inner = require("lagoon").parallel(function() error("deep", 0) end)
      inner:wait()
    end)
    assert.equal("deep", message_of(task))
  end))
end)

describe("waiting for a task of parallel", function()
  it("gives up after its seconds", helper.guard(function()
    local gate = chan()
    local task = parallel(function(gate) return gate:recv() end, gate)
    local got, why = task:wait(0.01)
    assert.is_nil(got)
    assert.equal("timeout", why)
    got, why = task:wait(0)
    assert.is_nil(got)
    assert.equal("timeout", why)
    gate:send("go")
    assert.equal("go", (task:wait()))
  end))

  it("is refused to the task itself", helper.guard(function()
    local task = parallel(function()
      local self = require("lagoon").self()
      return pcall(self.wait, self)
    end)
    local ok, err = task:wait()
    assert.is_false(ok)
    assert.matches("a task cannot wait for itself", err)
  end))

  it("is done by any number of goroutines of any state", helper.guard(function()
    local gate = chan()
    local task = parallel(function(gate) return gate:recv() end, gate)
    local waiters = {}
    for i = 1, 4 do
      waiters[i] = parallel(function(task) return task:wait() end, task)
      waiters[i + 4] = lagoon.async(function() return task:wait() end)
    end
    gate:send("now")
    for _, waiter in ipairs(waiters) do
      assert.equal("now", (waiter:wait()))
    end
  end))

  it("is done by other states for a task of async, too", helper.guard(function()
    local gate = chan()
    local task = lagoon.async(function() return gate:recv(), { 1, 2 } end)
    local there = parallel(function(task) return task:wait() end, task)
    gate:send("here")
    local a, b = there:wait()
    assert.equal("here", a)
    assert.same({ 1, 2 }, b)
    -- One that has ended, well or not.
    assert.equal("here", (parallel(function(task) return task:wait() end, task):wait()))
    local failed = lagoon.async(function() error("sad", 0) end)
    pcall(failed.wait, failed)
    assert.equal("sad", message_of(parallel(function(task) return task:wait() end, failed)))
  end))
end)

describe("cancelling a task of parallel", function()
  it("ends its wait with the reason", helper.guard(function()
    local ready, gate = chan(1), chan()
    local task = parallel(function(ready, gate)
      ready:send(true)
      local ok, err = pcall(gate.recv, gate)
      ready:send { ok, err }
      error(err, 0)
    end, ready, gate)
    ready:recv()
    assert.is_true(task:cancel("enough"))
    assert.same({ false, "enough" }, (ready:recv()))
    assert.equal("enough", message_of(task))
    assert.equal("cancelled", task:status())
    assert.is_false(task:cancel())
  end))

  it("takes reasons of any sendable type", helper.guard(function()
    for _, reason in ipairs { 42, false, { code = 1 } } do
      local gate = chan()
      local task = parallel(function(gate) gate:recv() end, gate)
      task:cancel(reason)
      local err = helper.error_of(task.wait, task)
      assert.same(reason, err)
    end
  end))

  it("tells of no place where one was that has not begun", function()
    local child = helper.script([[
      local lagoon = require "lagoon"
      local gate, busy = lagoon.chan(), {}
      for i = 1, 40 do
        busy[i] = lagoon.parallel(function(gate) gate:recv() end, gate)
      end
      local task = lagoon.parallel(function() end)
      task:cancel("not wanted")
      assert(task:status() == "cancelled")
      task:wait()
    ]])
    assert.matches("not wanted", child.err, 1, true)
    assert.is_nil(child.err:match("came from"))
  end)

  it("keeps one that has not begun from beginning", helper.guard(function()
    local procs = lagoon.runtime.procs()
    local marks = chan(1000)
    local tasks = {}
    for i = 1, 200 do
      tasks[i] = parallel(function(marks, n) marks:send(n) end, marks, i)
      tasks[i]:cancel("no")
    end
    local n = 0
    for _, task in ipairs(tasks) do
      local ok, err = pcall(task.wait, task)
      n = n + (ok and 1 or 0)
      assert.is_true(ok or err == "no")
    end
    assert.equal(n, #marks)
    assert.is_true(procs > 1 or n == 0)
  end))

  it("is done by other states", helper.guard(function()
    local ready, gate = chan(), chan()
    local task = lagoon.async(function()
      ready:send(1)
      gate:recv()
    end)
    local canceller = parallel(function(task, ready)
      ready:recv()
      return task:cancel("from afar"), task:status() ~= "done"
    end, task, ready)
    assert.is_true((canceller:wait()))
    assert.equal("from afar", message_of(task))
  end))
end)

describe("a task of parallel as a handle", function()
  it("tells number, name and status in all states", helper.guard(function()
    local ready, gate = chan(), chan()
    local task = parallel(function(ready, gate)
      local self = require("lagoon").self()
      self:name("worker bee")
      ready:send { self:id(), self:status() }
      gate:recv()
      return self:name()
    end, ready, gate)
    local seen = ready:recv()
    assert.equal(seen[1], task:id())
    assert.equal("running", seen[2])
    assert.equal("worker bee", task:name())
    helper.settle(function() return task:status() == "waiting" end)
    task:name("renamed")
    gate:send(1)
    assert.equal("renamed", (task:wait()))
    assert.matches("^task: %d+ \"renamed\" %(done%)$", tostring(task))
  end))

  it("is the same value in the state that it came from", helper.guard(function()
    local task = parallel(function() return 1 end)
    assert.equal(task, (parallel(function(t) return t end, task):wait()))
    task:wait()
  end))
end)

describe("a channel that crosses", function()
  it("copies what is sent, for all its users", helper.guard(function()
    local ch = chan(1)
    local t = {}
    ch:send(t)
    assert.equal(t, (ch:recv()))
    parallel(function() end, ch):wait()
    ch:send(t)
    local got = ch:recv()
    assert.not_equal(t, got)
    assert.same(t, got)
  end))

  it("takes along what is in its buffer and with waiting senders", helper.guard(function()
    local ch = chan(2)
    ch:send { 1 }
    ch:send("two")
    local senders = {}
    for i = 3, 5 do
      senders[i] = helper.parked(lagoon.async(function() return ch:send { i } end))
    end
    local got = parallel(function(ch)
      local got = {}
      for i = 1, 5 do
        got[i] = ch:recv()
      end
      return got
    end, ch):wait()
    assert.same({ { 1 }, "two", { 3 }, { 4 }, { 5 } }, got)
    for i = 3, 5 do
      assert.is_true((senders[i]:wait()))
    end
  end))

  it("stays what it was when its content cannot cross", helper.guard(function()
    local ch = chan(2)
    local t = {}
    ch:send(t)
    ch:send(io.stdout)
    local err = helper.message_of(function() parallel(function() end, ch) end)
    assert.matches("^cannot send a file", err)
    assert.equal(t, (ch:recv()))
    assert.equal(io.stdout, (ch:recv()))
  end))

  it("goes on serving goroutines that waited before", helper.guard(function()
    local a, b = chan(), chan()
    local receiver = lagoon.async(function() return a:recv() end)
    local selector = lagoon.async(function()
      local i, v = lagoon.select(b, chan())
      return i, v
    end)
    helper.parked(receiver, selector)
    parallel(function(a, b)
      a:send { "a" }
      b:send { "b" }
    end, a, b):wait()
    assert.same({ "a" }, (receiver:wait()))
    local i, v = selector:wait()
    assert.equal(1, i)
    assert.same({ "b" }, v)
  end))

  it("carries channels, itself as well, which stay the same", helper.guard(function()
    local ch = chan(1)
    local back = parallel(function(ch)
      ch:send(ch)
      local again = ch:recv()
      return again == ch, again
    end, ch)
    local is_same, again = back:wait()
    assert.is_true(is_same)
    assert.equal(ch, again)
  end))

  it("closes for everybody", helper.guard(function()
    local ch, ready = chan(), chan()
    local task = parallel(function(ch, ready)
      ready:send(1)
      local v, ok = ch:recv()
      return v, ok, pcall(ch.send, ch, 1)
    end, ch, ready)
    ready:recv()
    ch:close()
    local v, ok, sent, err = task:wait()
    assert.is_nil(v)
    assert.is_false(ok)
    assert.is_false(sent)
    assert.matches("send on closed channel", err)
  end))

  it("is selected over together with local ones, both ways", helper.guard(function()
    local shared, quiet, out = chan(), chan(), chan()
    local task = parallel(function(shared, out)
      local lagoon = require "lagoon"
      local mine = lagoon.chan()
      local i = lagoon.select(mine, out:sending { 1 })
      shared:send { i }
      return "done"
    end, shared, out)
    local i, v = lagoon.select(quiet, out)
    assert.equal(2, i)
    assert.same({ 1 }, v)
    i, v = lagoon.select(quiet, shared)
    assert.equal(2, i)
    assert.same({ 2 }, v)
    task:wait()
  end))

  it("keeps a select whole that sends what cannot cross", helper.guard(function()
    local shared = chan(1)
    parallel(function() end, shared):wait()
    local err = helper.message_of(function()
      lagoon.select(shared:sending { 1 }, shared:sending { coroutine.create(print) })
    end)
    assert.equal("cannot send a coroutine (at [1]) to another Lua state", err)
    assert.equal(0, #shared)
    assert.equal(2, (lagoon.select(shared, lagoon.default)))
  end))

  it("brings time to other states", helper.guard(function()
    local tick = lagoon.tick(0.001)
    local n = parallel(function(after, tick)
      after:recv()
      local n = 0
      for _ = 1, 3 do
        n = n + (tick:recv() and 1 or 0)
      end
      return n
    end, lagoon.after(0.001), tick):wait()
    assert.equal(3, n)
    tick:stop()
  end))
end)

describe("locks that cross", function()
  it("exclude and count over all states", helper.guard(function()
    local mutex, wg, sema = lagoon.mutex(), lagoon.waitgroup(), lagoon.semaphore(2)
    local cell = chan(1)
    cell:send(0)
    wg:add(4)
    for _ = 1, 4 do
      parallel(function(mutex, wg, sema, cell)
        for _ = 1, 100 do
          mutex:lock()
          cell:send(cell:recv() + 1)
          mutex:unlock()
          sema:acquire()
          sema:release()
        end
        wg:done()
      end, mutex, wg, sema, cell)
    end
    wg:wait()
    assert.equal(400, (cell:recv()))
    assert.is_true(mutex:try_lock())
    assert.is_true(sema:try_acquire(2))
    assert.is_false(sema:try_acquire())
  end))

  it("wake goroutines that waited before they crossed", helper.guard(function()
    local mutex = lagoon.mutex()
    mutex:lock()
    local waiter = lagoon.async(function() mutex:lock() return "mine" end)
    helper.parked(waiter)
    parallel(function(mutex) mutex:unlock() end, mutex):wait()
    assert.equal("mine", (waiter:wait()))
  end))
end)
