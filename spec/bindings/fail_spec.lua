-- SPDX-License-Identifier: MIT
--
-- Errors that leave goroutines. What ends a program is looked at from outside.
local helper = require "helper"
local lagoon = require "lagoon"

local settle, script = helper.settle, helper.script

local function lines(...)
  return table.concat({ "local lagoon = require 'lagoon'", ... }, "\n") .. "\n"
end

describe("an error that leaves a goroutine of go", function()
  it("ends the program with status 2 and says where, which, and who started it", function()
    local child = script(lines(
      "local function broken(x) return x.field .. '' end",
      "local function starter() lagoon.go(function() broken(nil) return 1 end) end",
      "starter()",
      "lagoon.sleep(10)",
      "print 'not reached'"))
    assert.equal(2, child.status)
    assert.equal("", child.out)
    assert.matches("script.lua:2: attempt to index local 'x'", child.err)
    assert.matches("in function 'broken'", child.err)
    assert.matches("goroutine 2", child.err)
    assert.matches("created by.*script.lua:3", child.err)
    assert.is_nil(child.err:find("lagoon/", 1, true))
  end)

  it("has the line of every frame", function()
    local child = script(lines(
      "local function broken(x)",
      "  local y = x.field",
      "  return y",
      "end",
      "lagoon.go(function()",
      "  broken(nil)",
      "  return 1",
      "end)",
      "lagoon.sleep(10)"))
    assert.matches("script.lua:3: in function 'broken'", child.err)
    assert.matches("script.lua:7: in ", child.err)
  end)

  it("tells its name", function()
    local child = script(lines(
      "lagoon.go(function() lagoon.self():name('the worker') error('oops') end)",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.matches("the worker", child.err)
    assert.matches("oops", child.err)
  end)

  it("may be any value", function()
    for want, value in pairs {
      ["an object speaks"] = "setmetatable({}, "
        .. "{__tostring = function() return 'an object speaks' end})",
      ["table"] = "{}",
      ["nil"] = "nil",
      ["42"] = "42",
    } do
      local child = script(lines(
        ("lagoon.go(function() error(%s, 0) end)"):format(value),
        "lagoon.sleep(10)"))
      assert.equal(2, child.status)
      assert.matches(want, child.err)
    end
  end)

  it("survives a __tostring that raises", function()
    local child = script(lines(
      "lagoon.go(function()",
      "  error(setmetatable({}, {__tostring = function() error 'again' end}))",
      "end)",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.not_equal("", child.err)
  end)

  it("is a stack overflow, too", function()
    local child = script(lines(
      "lagoon.go(function() local function f() return 1 + f() end f() end)",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.matches("stack overflow", child.err)
  end)

  it("flushes what was printed before", function()
    local child = script(lines(
      "io.write('before')",
      "lagoon.go(function() error 'x' end)",
      "lagoon.sleep(10)"))
    assert.equal("before", child.out)
    assert.equal(2, child.status)
  end)

  it("may come after a wait that kept its C stack", function()
    local child = script(lines(
      "lagoon.go(function()",
      "  string.gsub('x', 'x', function() lagoon.sleep(0.001) error('inside') end)",
      "end)",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.matches("script.lua:3: inside", child.err)
    assert.matches("gsub", child.err)
  end)
end)

describe("an error that leaves goroutine 1", function()
  it("ends the program with status 1", function()
    local child = script(lines("lagoon.go(function() lagoon.sleep(10) end)", "error('main')"))
    assert.equal(1, child.status)
    assert.matches("^lagoon: .*script.lua:3: main\nstack traceback:\n", child.err)
  end)

  it("has the line of every frame", function()
    local child = script(lines("local function f(x) return x.y .. '' end", "f(nil)"))
    assert.matches("script.lua:2: in function 'f'", child.err)
    assert.matches("script.lua:3: in main chunk", child.err)
  end)
end)

describe("an error of a task that nobody takes", function()
  it("is told on stderr at the end, and the status stays 0", function()
    local child = script(lines(
      "kept = lagoon.async(function() error 'forgotten' end)",
      "lagoon.yield()",
      "print 'done'"))
    assert.equal(0, child.status)
    assert.equal("done\n", child.out)
    assert.matches("forgotten", child.err)
    assert.matches("created by.*script.lua:2", child.err)
  end)

  it("is told when it is collected, once", function()
    local child = script(lines(
      "lagoon.async(function() error 'forgotten' end)",
      "lagoon.yield()",
      "collectgarbage() collectgarbage()",
      "lagoon.yield()",
      "io.stderr:write('THEN\\n')"))
    assert.equal(0, child.status)
    local before = child.err:match("^(.*)THEN\n")
    assert.matches("forgotten", before)
    assert.equal(1, select(2, child.err:gsub("script.lua:2: forgotten", "")))
  end)

  it("is not told when somebody has taken it, or when it was a cancellation", function()
    local child = script(lines(
      "local task = lagoon.async(function() error 'taken' end)",
      "pcall(task.wait, task)",
      "local other = lagoon.async(function() lagoon.sleep(10) end)",
      "lagoon.yield()",
      "other:cancel()",
      "lagoon.yield()",
      "local fresh = lagoon.async(print)",
      "fresh:cancel()"))
    assert.equal(0, child.status)
    assert.equal("", child.err)
  end)
end)

describe("on_error", function()
  it("is told instead, with the traceback, and the program goes on", function()
    local seen = lagoon.chan()
    lagoon.on_error(function(err, trace) seen:send { err, trace } end)
    local reason = { "any value" }
    lagoon.go(function() error(reason) end)
    local got = seen:recv()
    assert.equal(reason, got[1])
    assert.matches("fail_spec.lua", got[2])
    assert.matches("created by", got[2])
    lagoon.on_error(nil)
    settle(function() return lagoon.runtime.num_goroutine() == 1 end)
  end)

  it("is told whose it was", function()
    local seen = lagoon.chan()
    lagoon.on_error(function(...) seen:send { ... } end)
    local mine = lagoon.self():id()
    local id
    lagoon.go(function()
      id = lagoon.self():id()
      lagoon.self():name("painter")
      error("lost", 0)
    end)
    local info = seen:recv()[3]
    assert.equal(id, info.id)
    assert.equal("painter", info.name)
    assert.equal(mine, info.parent)
    assert.matches("fail_spec.lua:%d+$", info.created_by)
    lagoon.on_error(nil)
  end)

  it("is told of goroutines in other states", function()
    local seen = lagoon.chan()
    lagoon.on_error(function(...) seen:send { ... } end)
    helper.parallel(function()
      lagoon.go(function()
        lagoon.self():name("far")
        error("away", 0)
      end)
      lagoon.yield()
    end):wait()
    local got = seen:recv()
    assert.equal("away", got[1])
    assert.matches("stack traceback", got[2])
    assert.equal("far", got[3].name)
    assert.matches("fail_spec.lua:%d+$", got[3].created_by)
    lagoon.on_error(nil)
  end)

  it("may wait, and is called for others meanwhile", function()
    local seen, go_on = lagoon.chan(), lagoon.chan()
    lagoon.on_error(function(err)
      if err == "first" then
        go_on:recv()
      end
      seen:send(err)
    end)
    lagoon.go(error, "first")
    lagoon.go(error, "second")
    assert.equal("second", (seen:recv()))
    go_on:send(true)
    assert.equal("first", (seen:recv()))
    lagoon.on_error(nil)
  end)

  it("is not told any more once it is taken back", function()
    local child = script(lines(
      "lagoon.on_error(print)",
      "lagoon.on_error(nil)",
      "lagoon.go(error, 'alone')",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.equal("", child.out)
    assert.matches("alone", child.err)
  end)

  it("may itself fail, which ends the program", function()
    local child = script(lines(
      "lagoon.on_error(function() error 'in the handler' end)",
      "lagoon.go(function() error 'first' end)",
      "lagoon.sleep(10)"))
    assert.equal(2, child.status)
    assert.matches("in the handler", child.err)
  end)

  it("refuses what cannot be called", function()
    assert.matches("on_error", helper.message_of(function() lagoon.on_error(5) end))
  end)
end)

describe("an error of misuse", function()
  it("has the caller's position, through every layer", function()
    local ch = lagoon.chan()
    for _, f in ipairs {
      function() lagoon.go(nil) end,
      function() lagoon.chan(-1) end,
      function() ch:send(1, "x") end,
      function() lagoon.select(1) end,
      function() lagoon.sleep("x") end,
      function() lagoon.mutex():unlock() end,
      function() lagoon.context.with_cancel(nil) end,
      function() lagoon.group { limit = 0 } end,
      function() lagoon.runtime.procs(0) end,
      function() lagoon.async(type, nil).wait() end,
    } do
      local line = debug.getinfo(f, "S").linedefined
      assert.matches("^spec/bindings/fail_spec.lua:" .. line .. ": ", helper.error_of(f))
    end
    lagoon.yield()
  end)
end)
